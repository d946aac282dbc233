// ping_pong and false_sharing: two nodes and one page.
#include <atomic>
#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/job_node.h"

namespace farpage::cli::perf {

using internal::kPageBytes;

// The first word of the page counts turns: odd ones are node 0's, even ones the measuring node's.
absl::Status PingPong(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join();
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> page = job.AllocatePages("page", 1, 0);
  if (!page.ok()) return page.status();
  absl::StatusOr<std::unique_ptr<WordLinks>> links = WordLinks::Create(job);
  if (!links.ok()) return links.status();
  const bool measures = job.measures();
  absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(measures ? count : 1);
  if (!floor.ok()) return floor.status();

  WordLink& link = (*links)->to(measures ? 0 : 1);
  std::atomic_ref<uint64_t> turns((*page)[0]);
  Samples rounds(count);
  Samples words(count);
  Samples faults(count);
  double cpu_ns = 0;
  const auto one_round = [&](uint64_t round) {
    if (measures) turns.store(2 * round + 1, std::memory_order_release);
    const uint64_t awaited = 2 * round + (measures ? 2 : 1);
    const bool came = SpinUntil([&] { return turns.load(std::memory_order_acquire) == awaited; });
    if (!came) return absl::DeadlineExceededError("the other node does not take its turn");
    if (!measures) turns.store(2 * round + 2, std::memory_order_release);
    return absl::OkStatus();
  };
  const auto one_word = [&](uint64_t round) {
    absl::Status ok = measures ? link.Signal(round + 1) : link.Await(round + 1);
    if (!ok.ok()) return ok;
    return measures ? link.Await(round + 1) : link.Signal(round + 1);
  };
  absl::Status status =
      Alternate(count, {[&](uint64_t begin, uint64_t end) {
                          const CpuTime cpu(cpu_ns);
                          absl::Status ok;
                          for (uint64_t round = begin; round < end && ok.ok(); ++round) {
                            rounds.Time([&] { ok = one_round(round); });
                          }
                          return ok;
                        },
                        [&](uint64_t begin, uint64_t end) {
                          absl::Status ok;
                          for (uint64_t round = begin; round < end && ok.ok(); ++round) {
                            words.Time([&] { ok = one_word(round); });
                          }
                          return ok;
                        },
                        [&](uint64_t begin, uint64_t end) {
                          if (!measures) return absl::OkStatus();
                          const FaultFloor::Scope scope(**floor, &job.node());
                          for (uint64_t round = begin; round < end; ++round) {
                            std::byte* fresh = (*floor)->page(FaultFloor::Kind::kCopied, round);
                            faults.Time([&] { TouchForWriting(fresh, round); });
                          }
                          return absl::OkStatus();
                        }});
  if (!status.ok()) return status;
  if (measures) {
    rounds.Divide(2);
    const double fault_ns = faults.MedianNs();
    const double word_ns = words.MedianNs();
    sink({.name = "ping_pong",
          .bytes = kPageBytes,
          .iterations = count,
          .time = rounds.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(2 * count),
          .floor_ns = fault_ns + word_ns,
          .floor = absl::StrCat("fault and install ", std::round(fault_ns),
                                " ns + a word there and another back ", std::round(word_ns), " ns"),
          .figures = {}});
  }
  return job.Meet("the end");
}

namespace {

constexpr uint64_t kWritesPerSample = 64;

// What nodes signal each other.
constexpr uint64_t kStart = 1;
constexpr uint64_t kStop = 2;

void WriteBatch(std::atomic_ref<uint64_t> word, uint64_t begin) {
  for (uint64_t value = begin; value < begin + kWritesPerSample; ++value) {
    word.store(value, std::memory_order_relaxed);
  }
}

}  // namespace

// Each node writes as fast as it can until the measuring node has its samples.
absl::Status FalseSharing(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join();
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> page = job.AllocatePages("page", 1, 0);
  if (!page.ok()) return page.status();
  absl::StatusOr<std::unique_ptr<WordLinks>> links = WordLinks::Create(job);
  if (!links.ok()) return links.status();
  const uint32_t other = job.measures() ? 0 : job.size() - 1;

  const std::atomic_ref<uint64_t> word((*page)[job.id()]);
  Samples samples(job.measures() ? count : 0);
  Samples alone(job.measures() ? count : 0);
  double cpu_ns = 0;
  uint64_t batches = 0;
  if (absl::Status ok = (*links)->StartTogether(other, kStart); !ok.ok()) return ok;
  const int64_t begin_ns = NowNs();
  int64_t end_ns = begin_ns;
  if (job.measures()) {
    {
      const CpuTime cpu(cpu_ns);
      for (; batches < count; ++batches) {
        samples.Time([&] { WriteBatch(word, batches * kWritesPerSample); });
      }
    }
    end_ns = NowNs();
    if (absl::Status ok = (*links)->to(other).Signal(kStop); !ok.ok()) return ok;
    uint64_t own_word = 0;
    for (uint64_t batch = 0; batch < count; ++batch) {
      alone.Time([&] { WriteBatch(std::atomic_ref<uint64_t>(own_word), batch); });
    }
  } else {
    // Looking at a word of one's own costs next to nothing beside a batch.
    while (!(*links)->to(other).Arrived(kStop) && NowNs() - begin_ns < kPatienceNs) {
      WriteBatch(word, batches++ * kWritesPerSample);
    }
  }
  absl::StatusOr<std::vector<double>> all = job.Gather("batches", static_cast<double>(batches));
  if (!all.ok()) return all.status();
  if (job.measures()) {
    const double seconds = static_cast<double>(end_ns - begin_ns) / 1e9;
    const double writes = ((*all)[0] + (*all)[1]) * static_cast<double>(kWritesPerSample);
    sink({.name = "false_sharing",
          .bytes = kWritesPerSample * sizeof(uint64_t),
          .iterations = count,
          .time = samples.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(count),
          .floor_ns = alone.MedianNs(),
          .floor = "the same on private memory",
          .figures = {{"writes_per_second", writes / seconds},
                      {"share_of_other_node", (*all)[0] / ((*all)[0] + (*all)[1])}}});
  }
  return absl::OkStatus();
}

}  // namespace farpage::cli::perf
