// release_miss, first_write, release, acquire and release_barrier: memory with release consistency.
#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/barriers.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/job_node.h"
#include "runtime/cli/perf/noted_pages.h"
#include "runtime/cli/perf/page_order.h"

namespace farpage::cli::perf {
namespace {

using internal::ClockWord;
using internal::kPageBytes;

constexpr uint32_t kHome = 0;
constexpr uint64_t kSparePages = 4096;

// A node, and pages at home on node 0.
struct Released {
  std::unique_ptr<JobNode> job;
  std::span<uint64_t> pages;
};

// Collective.
absl::StatusOr<Released> Join(uint64_t pages) {
  absl::StatusOr<std::unique_ptr<JobNode>> job = JobNode::Join([pages](NodeOptions& own) {
    own.cache_bytes = 2 * (pages + kSparePages) * kPageBytes;  // twins count as well
  });
  if (!job.ok()) return job.status();
  absl::StatusOr<void*> memory = (*job)->node().Allocate(
      "released pages", pages * kPageBytes,
      {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = kHome});
  if (!memory.ok()) return memory.status();
  return Released{*std::move(job), {static_cast<uint64_t*>(*memory), pages * kWordsPerPage}};
}

std::byte* PageOf(std::span<uint64_t> pages, uint64_t page) {
  return reinterpret_cast<std::byte*>(&pages[page * kWordsPerPage]);
}

absl::Status Release(JobNode& job, std::vector<ClockWord>& clock) {
  return job.cluster().ordering()->Release(clock);
}

}  // namespace

namespace {

// Computes until another node has stored there, and asks nothing of the fabric. Ends with an error
// if that takes minutes.
absl::Status ComputeUntilSet(const uint64_t& word) {
  const auto* set = static_cast<const volatile uint64_t*>(&word);
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  volatile double value = 1;
  while (*set == 0) {
    for (int turn = 0; turn < 1000; ++turn) value = value * 0.999 + 1;
    if (std::chrono::steady_clock::now() > end) {
      return absl::DeadlineExceededError("the node that measures has not come to an end");
    }
  }
  return absl::OkStatus();
}

// The measuring node's misses on pages `first` …, and their floor.
absl::Status MeasureMisses(JobNode& job, std::span<uint64_t> pages, uint64_t first, uint64_t count,
                           const char* name, FabricFloor& fabric, const RowSink& sink) {
  absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(count);
  if (!floor.ok()) return floor.status();
  const std::vector<uint64_t> order = RandomOrder(count);
  const bool shared = job.is_shared_memory();
  Samples misses(count);
  Samples faults(count);
  Samples reads(count);
  double cpu_ns = 0;
  absl::Status done = Alternate(
      count, {[&](uint64_t begin, uint64_t end) {
                const CpuTime cpu(cpu_ns);
                for (uint64_t turn = begin; turn < end; ++turn) {
                  misses.Time([&] { TouchForReading(PageOf(pages, first + order[turn])); });
                }
                return absl::OkStatus();
              },
              [&](uint64_t begin, uint64_t end) {
                const FaultFloor::Scope scope(**floor, &job.node());
                absl::Status ok;
                for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                  faults.Time([&] {
                    TouchForReading((*floor)->page(FaultFloor::Kind::kCopied, order[turn]));
                  });
                  if (!shared) reads.Time([&] { ok = fabric.Read(order[turn]); });
                }
                return ok;
              }});
  if (!done.ok()) return done;
  const double fault_ns = faults.MedianNs();
  const double read_ns = shared ? 0 : reads.MedianNs();
  const Statistics counts = job.node().counters().Snapshot();
  sink({.name = name,
        .bytes = kPageBytes,
        .iterations = count,
        .time = misses.Summarize(),
        .cpu_ns = cpu_ns / static_cast<double>(count),
        .floor_ns = fault_ns + read_ns,
        .floor = shared ? "fault and install"
                        : absl::StrCat("fault ", std::round(fault_ns), " ns + read of a page ",
                                       std::round(read_ns), " ns"),
        .figures = {{"messages", static_cast<double>(counts[Counter::messages_sent])}}});
  return absl::OkStatus();
}

}  // namespace

// Twice: while the home waits, and while it computes.
absl::Status ReleaseMiss(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<Released> joined = Join(2 * count + 1);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  const std::span<uint64_t> pages = joined->pages;
  uint64_t& end = pages[2 * count * kWordsPerPage];
  if (job.id() == kHome) {
    for (uint64_t page = 0; page < 2 * count; ++page) TouchForWriting(PageOf(pages, page), page);
  }
  absl::StatusOr<std::unique_ptr<FabricFloor>> fabric =
      FabricFloor::Create(job, NodeId(kHome), count);
  if (!fabric.ok()) return fabric.status();
  if (absl::Status ok = job.node().barrier().Wait(); !ok.ok()) return ok;
  if (job.measures()) {
    absl::Status ok = MeasureMisses(job, pages, 0, count, "release_miss/4096", **fabric, sink);
    if (!ok.ok()) return ok;
  }
  if (absl::Status ok = job.Meet("the home computes"); !ok.ok()) return ok;
  if (job.id() == kHome && !job.measures()) {
    if (absl::Status ok = ComputeUntilSet(end); !ok.ok()) return ok;
  } else if (job.measures()) {
    absl::Status measured =
        MeasureMisses(job, pages, count, count, "release_miss/home_computes", **fabric, sink);
    end = 1;
    std::vector<ClockWord> clock(job.size());
    absl::Status released = Release(job, clock);
    if (!measured.ok()) return measured;
    if (!released.ok()) return released;
  }
  return job.Meet("the end");
}

absl::Status FirstWrite(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<Released> joined = Join(count);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  const std::span<uint64_t> pages = joined->pages;
  if (absl::Status ok = job.node().barrier().Wait(); !ok.ok()) return ok;
  absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(count);
  if (!floor.ok()) return floor.status();
  const FaultFloor::Kind kind =
      job.id() == kHome ? FaultFloor::Kind::kInPlace : FaultFloor::Kind::kCopied;
  for (uint64_t page = 0; page < count; ++page) {
    TouchForReading(PageOf(pages, page));
    (*floor)->Install(kind, page, Access::kRead);
  }
  // The home's writes and others' differ: the home keeps no twin.
  for (const uint32_t writer : {job.size() - 1, kHome}) {
    if (absl::Status ok = job.Meet(absl::StrCat("node ", writer, " writes")); !ok.ok()) return ok;
    if (job.id() != writer) continue;
    const std::vector<uint64_t> order = RandomOrder(count);
    const bool copies = job.id() != kHome;
    absl::StatusOr<std::unique_ptr<NotedPages>> noted =
        NotedPages::Create(job.options().node.pager, count);
    if (!noted.ok()) return noted.status();
    const bool by_kernel = !copies && *noted != nullptr;
    std::vector<std::byte> twins(64 * kPageBytes);
    Samples writes(count);
    Samples faults(count);
    double cpu_ns = 0;
    absl::Status done = Alternate(
        count, {[&](uint64_t begin, uint64_t end) {
                  const CpuTime cpu(cpu_ns);
                  for (uint64_t turn = begin; turn < end; ++turn) {
                    writes.Time([&] { TouchForWriting(PageOf(pages, order[turn]), turn + 1); });
                  }
                  return absl::OkStatus();
                },
                [&](uint64_t begin, uint64_t end) {
                  const FaultFloor::Scope scope(**floor, &job.node());
                  for (uint64_t turn = begin; turn < end; ++turn) {
                    std::byte* page =
                        by_kernel ? (*noted)->page(order[turn]) : (*floor)->page(kind, order[turn]);
                    faults.Time([&] {
                      if (copies) {
                        std::memcpy(&twins[turn % 64 * kPageBytes], page, kPageBytes);
                      }
                      TouchForWriting(page, turn);
                    });
                  }
                  return absl::OkStatus();
                }});
    if (!done.ok()) return done;
    sink({.name = copies ? "first_write/copy" : "first_write/home",
          .bytes = kPageBytes,
          .iterations = count,
          .time = writes.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(count),
          .floor_ns = faults.MedianNs(),
          .floor = copies      ? "write-protect fault and copy of a page"
                   : by_kernel ? "write-protect fault that the kernel notes by itself"
                               : "write-protect fault",
          .figures = {}});
  }
  return job.Meet("the end");
}

// A release of pages that were written, per page.
absl::Status ReleaseCase(const Settings& settings, const RowSink& sink) {
  constexpr uint64_t kPages = 1000;
  absl::StatusOr<Released> joined = Join(kPages);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  const std::span<uint64_t> pages = joined->pages;
  if (job.measures()) {
    constexpr FaultFloor::Kind kCopied = FaultFloor::Kind::kCopied;
    absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(kPages);
    if (!floor.ok()) return floor.status();
    for (uint64_t page = 0; page < kPages; ++page) (*floor)->Install(kCopied, page, Access::kRead);
    std::vector<std::byte> twins((*floor)->page(kCopied, 0),
                                 (*floor)->page(kCopied, 0) + kPages * kPageBytes);
    std::vector<ClockWord> clock(job.size());
    for (const bool alternate : {false, true}) {
      Samples releases(settings.iterations);
      Samples comparisons(settings.iterations);
      const Statistics before = job.node().counters().Snapshot();
      double cpu_ns = 0;
      for (uint64_t turn = 1; turn <= settings.iterations; ++turn) {
        for (uint64_t page = 0; page < kPages; ++page) {
          volatile auto* bytes = reinterpret_cast<volatile uint8_t*>(PageOf(pages, page));
          for (size_t byte = 0; byte < (alternate ? kPageBytes : 8); byte += alternate ? 2 : 1) {
            bytes[byte] = static_cast<uint8_t>(bytes[byte] + 1);
          }
        }
        {
          const CpuTime cpu(cpu_ns);
          absl::Status ok;
          releases.Time([&] { ok = Release(job, clock); });
          if (!ok.ok()) return ok;
        }
        for (uint64_t page = 0; page < kPages; ++page) (*floor)->MakeWritable(kCopied, page);
        bool same = true;
        comparisons.Time([&] {
          (*floor)->Protect(kCopied, 0, kPages);
          same = std::memcmp(twins.data(), (*floor)->page(kCopied, 0), twins.size()) == 0;
        });
        if (!same) return absl::InternalError("the floor's pages have changed");
      }
      releases.Divide(kPages);
      comparisons.Divide(kPages);
      const Statistics counts = job.node().counters().Snapshot() - before;
      const double done = static_cast<double>(settings.iterations * kPages);
      sink({.name = alternate ? "release/alternate_bytes" : "release/8_bytes",
            .bytes = alternate ? kPageBytes / 2 : 8,
            .iterations = settings.iterations,
            .time = releases.Summarize(),
            .cpu_ns = cpu_ns / done,
            .floor_ns = comparisons.MedianNs(),
            .floor = "write protection of all with one call, and a comparison with twins",
            .figures = {
                {"pages", static_cast<double>(kPages)},
                {"diff_bytes_per_page", static_cast<double>(counts[Counter::diff_bytes]) / done},
                {"notices_per_release", static_cast<double>(counts[Counter::notices_written]) /
                                            static_cast<double>(settings.iterations)}}});
    }
  }
  return job.Meet("the end");
}

namespace {

// Each turn the home writes `changed` of the pages, spread evenly, both meet at a barrier, and the
// other node reads them again. Times the barrier of the reader.
absl::Status BarrierAfterChanges(JobNode& job, WordLinks& links, std::span<uint64_t> pages,
                                 uint64_t changed, FaultFloor& floor, uint64_t iterations,
                                 const RowSink& sink) {
  const uint64_t count = pages.size() / kWordsPerPage;
  Samples barriers(iterations);
  Samples least(iterations);
  double cpu_ns = 0;
  const uint64_t apart = changed == 0 ? count : count / changed;
  constexpr FaultFloor::Kind kCopied = FaultFloor::Kind::kCopied;
  for (uint64_t turn = 1; turn <= iterations; ++turn) {
    for (uint64_t index = 0; index < changed; ++index) {
      const uint64_t page = index * apart;
      if (job.id() == kHome) {
        TouchForWriting(PageOf(pages, page), turn);
      } else {
        TouchForReading(PageOf(pages, page));
        floor.Install(kCopied, page, Access::kRead);
      }
    }
    // The home has released by then, so that the reader's time is its own.
    if (job.id() == kHome) {
      std::vector<ClockWord> clock(job.size());
      if (absl::Status ok = Release(job, clock); !ok.ok()) return ok;
    }
    if (absl::Status ok = job.Meet("changed"); !ok.ok()) return ok;
    {
      const CpuTime cpu(cpu_ns);
      absl::Status ok;
      barriers.Time([&] { ok = job.node().barrier().Wait(); });
      if (!ok.ok()) return ok;
    }
    absl::Status exchanged;
    least.Time([&] {
      exchanged = links.ExchangeWithAll();
      if (!job.measures()) return;
      for (uint64_t index = 0; index < changed; ++index) floor.Zap(kCopied, index * apart);
    });
    if (!exchanged.ok()) return exchanged;
    if (absl::Status ok = job.Meet("turn"); !ok.ok()) return ok;
  }
  if (job.measures()) {
    sink({.name = absl::StrCat("acquire/changed:", changed),
          .bytes = 0,
          .iterations = iterations,
          .time = barriers.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(iterations),
          .floor_ns = least.MedianNs(),
          .floor = absl::StrCat("a word to and fro, and the unmapping of ", changed, " pages"),
          .figures = {{"resident_pages", static_cast<double>(count)}}});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AcquireCase(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.sizes.front() / kPageBytes;
  absl::StatusOr<Released> joined = Join(count);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  const std::span<uint64_t> pages = joined->pages;
  absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(count);
  if (!floor.ok()) return floor.status();
  absl::StatusOr<std::unique_ptr<WordLinks>> links = WordLinks::Create(job);
  if (!links.ok()) return links.status();
  if (job.measures()) {
    for (uint64_t page = 0; page < count; ++page) TouchForReading(PageOf(pages, page));
  }
  if (absl::Status ok = job.node().barrier().Wait(); !ok.ok()) return ok;
  for (const uint64_t changed : {0u, 1u, 10u, 100u, 1000u}) {
    if (changed > count) break;
    absl::Status ok =
        BarrierAfterChanges(job, **links, pages, changed, **floor, settings.iterations, sink);
    if (!ok.ok()) return ok;
  }
  return job.Meet("the end");
}

// As `barrier`, where there is memory with release consistency that nobody has changed.
absl::Status ReleaseBarrier(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.sizes.front() / kPageBytes;
  absl::StatusOr<Released> joined = Join(count);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  const std::span<uint64_t> pages = joined->pages;
  for (uint64_t page = 0; page < count; ++page) TouchForReading(PageOf(pages, page));
  return MeasureBarriers(job, "release_barrier", settings.iterations,
                         {{"resident_pages", static_cast<double>(count)}}, sink);
}

// Two nodes write alternate words of the same pages, 1,000 writes between barriers.
absl::Status ReleasedFalseSharing(const Settings& settings, const RowSink& sink) {
  constexpr uint64_t kPages = 64;
  constexpr uint64_t kWrites = 1000;
  constexpr uint64_t kRounds = 50;  // of a sample
  absl::StatusOr<Released> joined = Join(kPages);
  if (!joined.ok()) return joined.status();
  JobNode& job = *joined->job;
  std::array<std::span<uint64_t>, 2> memory;
  memory[0] = joined->pages;
  absl::StatusOr<std::span<uint64_t>> sequential = job.AllocatePages("pages", kPages, kHome);
  if (!sequential.ok()) return sequential.status();
  memory[1] = *sequential;
  std::vector<uint64_t> own(kPages * kWordsPerPage);
  Samples plain(settings.iterations);
  std::array<Samples, 2> samples = {Samples(settings.iterations), Samples(settings.iterations)};
  double cpu_ns = 0;
  double other_cpu_ns = 0;
  const uint64_t mine = job.measures() ? 1 : 0;
  for (uint64_t turn = 0; turn < settings.iterations; ++turn) {
    const auto write_and_meet = [&](std::span<uint64_t> words) {
      absl::Status ok;
      for (uint64_t round = 0; round < kRounds && ok.ok(); ++round) {
        for (uint64_t write = 0; write < kWrites; ++write) {
          const uint64_t page = write % kPages;
          const uint64_t word = (write / kPages * 2 + mine) % kWordsPerPage;
          *static_cast<volatile uint64_t*>(&words[page * kWordsPerPage + word]) =
              turn * kRounds + round;
        }
        ok = job.node().barrier().Wait();
      }
      return ok;
    };
    for (size_t kind = 0; kind < 2; ++kind) {
      if (absl::Status ok = job.node().barrier().Wait(); !ok.ok()) return ok;
      const CpuTime cpu(kind == 0 ? cpu_ns : other_cpu_ns);
      absl::Status ok;
      samples[kind].Time([&] { ok = write_and_meet(memory[kind]); });
      if (!ok.ok()) return ok;
    }
    absl::Status ok = job.node().barrier().Wait();
    if (ok.ok()) plain.Time([&] { ok = write_and_meet(own); });
    if (!ok.ok()) return ok;
  }
  plain.Divide(kRounds);
  for (Samples& of : samples) of.Divide(kRounds);
  if (job.measures()) {
    const double release_ns = samples[0].MedianNs();
    const double sequential_ns = samples[1].MedianNs();
    sink({.name = "release_false_sharing",
          .bytes = kWrites * sizeof(uint64_t),
          .iterations = settings.iterations,
          .time = samples[0].Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(settings.iterations * kRounds),
          .floor_ns = plain.MedianNs(),
          .floor = "the same writes to private memory, and a barrier",
          .figures = {{"sequential_ns", sequential_ns},
                      {"times_faster", sequential_ns / release_ns}}});
  }
  return job.Meet("the end");
}

}  // namespace farpage::cli::perf
