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

constexpr uint64_t kPagesPerInstall = 64;
constexpr uint32_t kReader = 1;

// Passes over the same memory, each preceded by the home's writing every page. Clean: a third node
// with a small cache then reads them all, which leaves them with the home for reading, and nowhere
// else. Rewritten: the home still holds every page for writing, and has to be asked for it.
class ScanMeasurement {
 public:
  ScanMeasurement(JobNode& job, FaultFloor& floor, std::span<uint64_t> data, uint64_t iterations)
      : job_(job), floor_(floor), data_(data), passes_(iterations), installs_(iterations) {}

  absl::Status Run(uint64_t iterations, bool clean) {
    for (uint64_t pass = 1; pass <= iterations; ++pass) {
      if (absl::Status ok = Prepare(++value_, clean); !ok.ok()) return ok;
      if (job_.measures()) {
        Scan();
        InstallAndRead();
      }
      if (absl::Status ok = job_.Meet("scanned"); !ok.ok()) return ok;
    }
    return right_ ? absl::OkStatus() : absl::DataLossError("the memory scanned had wrong content");
  }

  Row ToRow(std::string_view name, uint64_t iterations) {
    const uint64_t bytes = data_.size_bytes();
    Row row{.name = absl::StrCat("scan/", std::string(name), "/", bytes),
            .bytes = bytes,
            .iterations = iterations,
            .time = passes_.Summarize(),
            .cpu_ns = cpu_ns_ / static_cast<double>(iterations),
            .floor_ns = installs_.MedianNs(),
            .floor = absl::StrCat("installs of ", kPagesPerInstall,
                                  " pages from warm memory, then read"),
            .figures = {}};
    row.figures = {{"megabytes_per_second", MegabytesPerSecond(bytes, row.time.typical)},
                   {"floor_megabytes_per_second", MegabytesPerSecond(bytes, row.floor_ns)}};
    return row;
  }

 private:
  absl::Status Prepare(uint64_t content, bool clean) {
    if (job_.id() == 0) {
      for (size_t word = 0; word < data_.size(); word += kWordsPerPage) data_[word] = content;
    }
    if (absl::Status ok = job_.Meet("written"); !ok.ok()) return ok;
    if (clean && job_.id() == kReader) {
      for (size_t word = 0; word < data_.size(); word += kWordsPerPage) {
        TouchForReading(reinterpret_cast<const std::byte*>(&data_[word]));
      }
    }
    return job_.Meet("read");
  }

  void Scan() {
    uint64_t sum = 0;
    {
      const CpuTime cpu(cpu_ns_);
      passes_.Time([&] { sum = SumOf(data_.data(), data_.size()); });
    }
    right_ = right_ && sum == value_ * (data_.size() / kWordsPerPage);
  }

  void InstallAndRead() {
    floor_.Reset(FaultFloor::Kind::kCopied);
    const uint64_t pages = data_.size() / kWordsPerPage;
    installs_.Time([&] {
      for (uint64_t page = 0; page < pages; page += kPagesPerInstall) {
        const uint64_t count = std::min(kPagesPerInstall, pages - page);
        floor_.InstallCopies(page, count);
        const auto* first =
            reinterpret_cast<const uint64_t*>(floor_.page(FaultFloor::Kind::kCopied, page));
        Keep(SumOf(first, count * kWordsPerPage));
      }
    });
  }

  JobNode& job_;
  FaultFloor& floor_;
  const std::span<uint64_t> data_;
  Samples passes_;
  Samples installs_;
  double cpu_ns_ = 0;
  uint64_t value_ = 0;  // what every page's first word is now; all others are zero
  bool right_ = true;
};

}  // namespace

absl::Status Scan(const Settings& settings, const RowSink& sink) {
  const uint64_t pages = settings.sizes[0] / kPageBytes;
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
  for (const bool clean : {true, false}) {
    ScanMeasurement measurement(job, **floor, *data, settings.iterations);
    absl::Status ok = measurement.Run(settings.iterations, clean);
    if (!ok.ok()) return ok;
    if (job.measures()) {
      sink(measurement.ToRow(clean ? "clean" : "rewritten", settings.iterations));
    }
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
