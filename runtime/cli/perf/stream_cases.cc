// scan and hit: loops over much memory.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/job_node.h"

namespace farpage::cli::perf {
namespace {

using internal::kPageBytes;

// Out of line, so that shared and private memory are read and written by the same instructions.
[[gnu::noinline]] uint64_t SumOf(const uint64_t* words, size_t count) {
  uint64_t sum = 0;
  for (size_t index = 0; index < count; ++index) sum += words[index];
  return sum;
}

[[gnu::noinline]] void AddOneToAll(uint64_t* words, size_t count) {
  for (size_t index = 0; index < count; ++index) words[index] += 1;
}

template <typename T>
void Keep(const T& value) {
  asm volatile("" : : "r"(value) : "memory");
}

double MegabytesPerSecond(uint64_t bytes, double ns) {
  return ns > 0 ? static_cast<double>(bytes) * 1e3 / ns : 0;
}

}  // namespace

// Before each pass the home writes every page, and a third node with a small cache reads them all:
// that leaves them with the home for reading, with new content, and nowhere else.
absl::Status Scan(const Settings& settings, const RowSink& sink) {
  constexpr uint64_t kPagesPerInstall = 64;
  constexpr uint32_t kReader = 1;
  const uint64_t bytes = settings.sizes[0];
  const uint64_t pages = bytes / kPageBytes;
  const uint64_t words = bytes / sizeof(uint64_t);
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join([pages](NodeOptions& own) {
    own.cache_bytes = (own.rank == kReader ? 512 : pages + 1024) * kPageBytes;
  });
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> data = job.AllocatePages("data", pages, 0);
  if (!data.ok()) return data.status();
  absl::StatusOr<std::unique_ptr<FaultFloor>> floor =
      job.MakeFaultFloor(job.measures() ? pages : 1);
  if (!floor.ok()) return floor.status();

  Samples passes(settings.iterations);
  Samples installs(settings.iterations);
  double cpu_ns = 0;
  bool right = true;
  for (uint64_t pass = 1; pass <= settings.iterations; ++pass) {
    if (job.id() == 0) {
      for (uint64_t page = 0; page < pages; ++page) (*data)[page * kWordsPerPage] = pass;
    }
    if (absl::Status ok = job.Meet("written"); !ok.ok()) return ok;
    if (job.id() == kReader) {
      for (uint64_t page = 0; page < pages; ++page) {
        TouchForReading(reinterpret_cast<std::byte*>(&(*data)[page * kWordsPerPage]));
      }
    }
    if (absl::Status ok = job.Meet("read"); !ok.ok()) return ok;
    if (job.measures()) {
      uint64_t sum = 0;
      {
        const CpuTime cpu(cpu_ns);
        passes.Time([&] { sum = SumOf(data->data(), words); });
      }
      right = right && sum == pass * pages;
      (*floor)->Reset(FaultFloor::Kind::kCopied);
      installs.Time([&] {
        for (uint64_t page = 0; page < pages; page += kPagesPerInstall) {
          const uint64_t count = std::min(kPagesPerInstall, pages - page);
          (*floor)->InstallCopies(page, count);
          const auto* first =
              reinterpret_cast<const uint64_t*>((*floor)->page(FaultFloor::Kind::kCopied, page));
          Keep(SumOf(first, count * kWordsPerPage));
        }
      });
    }
    if (absl::Status ok = job.Meet("scanned"); !ok.ok()) return ok;
  }
  if (!right) return absl::DataLossError("the memory scanned had wrong content");
  if (job.measures()) {
    const double count = static_cast<double>(settings.iterations);
    Row row{.name = absl::StrCat("scan/", bytes),
            .bytes = bytes,
            .iterations = settings.iterations,
            .time = passes.Summarize(),
            .cpu_ns = cpu_ns / count,
            .floor_ns = installs.MedianNs(),
            .floor = absl::StrCat("installs of ", kPagesPerInstall,
                                  " pages from warm memory, then read"),
            .figures = {}};
    row.figures = {{"megabytes_per_second", MegabytesPerSecond(bytes, row.time.typical)},
                   {"floor_megabytes_per_second", MegabytesPerSecond(bytes, row.floor_ns)}};
    sink(row);
  }
  return absl::OkStatus();
}

namespace {

// Memory of this process in pages of the same size as shared memory's.
class PrivateMemory {
 public:
  explicit PrivateMemory(size_t bytes)
      : mapping_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                 bytes) {
    if (words() == MAP_FAILED) {
      mapping_ = {};
      return;
    }
    madvise(words(), bytes, MADV_NOHUGEPAGE);
    std::memset(words(), 0, bytes);
  }
  uint64_t* words() const { return static_cast<uint64_t*>(mapping_.base()); }

 private:
  internal::Mapping mapping_;
};

template <typename Loop>
Row CompareLoops(const Settings& settings, std::string_view name, uint64_t* shared, uint64_t* own,
                 const Loop& loop) {
  const uint64_t bytes = settings.sizes[0];
  const size_t words = bytes / sizeof(uint64_t);
  loop(shared, words);  // brings it here
  loop(own, words);
  Samples shared_passes(settings.iterations);
  Samples own_passes(settings.iterations);
  double cpu_ns = 0;
  for (uint64_t pass = 0; pass < settings.iterations; ++pass) {
    // By turns, in changing order.
    for (const bool is_shared : {pass % 2 == 0, pass % 2 != 0}) {
      if (is_shared) {
        const CpuTime cpu(cpu_ns);
        shared_passes.Time([&] { loop(shared, words); });
      } else {
        own_passes.Time([&] { loop(own, words); });
      }
    }
  }
  Row row{.name = absl::StrCat(std::string(name), "/", bytes),
          .bytes = bytes,
          .iterations = settings.iterations,
          .time = shared_passes.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(settings.iterations),
          .floor_ns = own_passes.MedianNs(),
          .floor = "private memory in pages of the same size",
          .figures = {}};
  row.figures = {{"ns_per_element", row.time.typical / static_cast<double>(words)},
                 {"private_ns_per_element", row.floor_ns / static_cast<double>(words)}};
  return row;
}

}  // namespace

absl::Status Hit(const Settings& settings, const RowSink& sink) {
  const uint64_t pages = settings.sizes[0] / kPageBytes;
  absl::StatusOr<std::unique_ptr<JobNode>> joined =
      JobNode::Join([pages](NodeOptions& own) { own.cache_bytes = (pages + 1024) * kPageBytes; });
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> data = job.AllocatePages("data", pages, 0);
  if (!data.ok()) return data.status();
  if (job.measures()) {
    const PrivateMemory own(settings.sizes[0]);
    if (own.words() == nullptr) return absl::ResourceExhaustedError("no private memory to compare");
    sink(CompareLoops(settings, "hit/read", data->data(), own.words(),
                      [](const uint64_t* words, size_t count) { Keep(SumOf(words, count)); }));
    sink(CompareLoops(settings, "hit/write", data->data(), own.words(), AddOneToAll));
  }
  return job.Meet("the end");
}

}  // namespace farpage::cli::perf
