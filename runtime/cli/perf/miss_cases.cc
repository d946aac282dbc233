// read_miss, write_miss and upgrade: one access to a page, and what it takes.
#include <cmath>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/job_node.h"
#include "runtime/cli/perf/page_order.h"

namespace farpage::cli::perf {
namespace {

using internal::kPageBytes;

constexpr uint64_t kPreparerCachePages = 256;
constexpr uint32_t kHome = 0;
constexpr uint32_t kPreparer = 1;

uint64_t ValueOf(uint64_t page) { return 3 * page + 1; }

// Times accesses and, by turns, the faults and fabric operations they cannot do without. Faults and
// operations alternate one by one, as they do in accesses: in a loop of its own each would find the
// caches full of its own code and data, which no access does.
struct MissMeasurement {
  explicit MissMeasurement(uint64_t iterations)
      : accesses(iterations), faults(iterations), operations(iterations) {}

  absl::Status Run(JobNode& job, FaultFloor& floor, uint64_t iterations,
                   const std::function<void(uint64_t turn)>& access,
                   const std::function<void(uint64_t turn)>& fault,
                   const std::function<absl::Status(uint64_t turn)>& operation) {
    return Alternate(iterations, {[&](uint64_t begin, uint64_t end) {
                                    const CpuTime cpu(cpu_ns);
                                    for (uint64_t turn = begin; turn < end; ++turn) {
                                      accesses.Time([&] { access(turn); });
                                    }
                                    return absl::OkStatus();
                                  },
                                  [&](uint64_t begin, uint64_t end) {
                                    const FaultFloor::Scope scope(floor, &job.node());
                                    absl::Status ok;
                                    for (uint64_t turn = begin; turn < end && ok.ok(); ++turn) {
                                      faults.Time([&] { fault(turn); });
                                      operations.Time([&] { ok = operation(turn); });
                                    }
                                    return ok;
                                  }});
  }

  Row ToRow(std::string name, uint64_t iterations, std::string_view fault,
            std::string_view operation) {
    Row row{.name = std::move(name),
            .bytes = kPageBytes,
            .iterations = iterations,
            .time = accesses.Summarize(),
            .cpu_ns = cpu_ns / static_cast<double>(iterations),
            .floor = {},
            .figures = {}};
    const double fault_ns = faults.MedianNs();
    const double operation_ns = operations.MedianNs();
    row.floor_ns = fault_ns + operation_ns;
    row.floor = absl::StrCat(std::string(fault), " ", std::round(fault_ns), " ns + ",
                             std::string(operation), " ", std::round(operation_ns), " ns");
    return row;
  }

  Samples accesses;
  Samples faults;
  Samples operations;
  double cpu_ns = 0;
};

// Leaves every page with a value, nobody's copy and no holder: the preparer, whose cache is small,
// writes them all and then reads as much of other memory as pushes the last of them out.
absl::Status Prepare(JobNode& job, std::span<uint64_t> pages) {
  const uint64_t ballast_pages = 4 * kPreparerCachePages;
  absl::StatusOr<std::span<uint64_t>> ballast = job.AllocatePages("ballast", ballast_pages, kHome);
  if (!ballast.ok()) return ballast.status();
  if (job.id() == kPreparer) {
    for (uint64_t page = 0; page < pages.size() / kWordsPerPage; ++page) {
      pages[page * kWordsPerPage] = ValueOf(page);
    }
    for (uint64_t page = 0; page < ballast_pages; ++page) {
      TouchForReading(reinterpret_cast<std::byte*>(&(*ballast)[page * kWordsPerPage]));
    }
  }
  return job.Meet("pages are written");
}

// Per operation: how often the measuring thread slept, and how often any node's agent was woken.
void AddSleeps(Row& row, const std::vector<Statistics>& before,
               const std::vector<Statistics>& after, uint64_t operations) {
  uint64_t wakeups = 0;
  for (size_t node = 0; node < after.size(); ++node) {
    wakeups += (after[node] - before[node])[Counter::agent_wakeups];
  }
  const auto count = static_cast<double>(operations);
  const Statistics own = after.back() - before.back();
  row.figures.emplace_back("sleeps", static_cast<double>(own[Counter::sleeps]) / count);
  row.figures.emplace_back("wakeups", static_cast<double>(wakeups) / count);
}

// What the counters of this node and of the home say of `misses` misses.
void AddCounts(Row& row, const std::vector<Statistics>& before,
               const std::vector<Statistics>& after, uint64_t misses) {
  const Statistics own = after.back() - before.back();
  const Statistics home = after[kHome] - before[kHome];
  const auto clean = static_cast<double>(own[Counter::clean_misses]);
  row.figures = {{"clean_misses", clean},
                 {"misses", static_cast<double>(misses)},
                 {"chains_per_clean_miss",
                  clean > 0 ? static_cast<double>(own[Counter::clean_miss_chains]) / clean : 0},
                 {"remote_wakeups", static_cast<double>(home[Counter::agent_wakeups])},
                 {"messages_to_home", static_cast<double>(home[Counter::messages_received])}};
  AddSleeps(row, before, after, misses);
}

absl::Status Miss(const Settings& settings, const RowSink& sink, Access access) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<std::unique_ptr<JobNode>> joined = JobNode::Join([count](NodeOptions& own) {
    const bool prepares = own.rank == kPreparer;
    // The measuring node never has to make room.
    own.cache_bytes =
        (prepares ? kPreparerCachePages : count + 8 * kPreparerCachePages) * kPageBytes;
  });
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> pages = job.AllocatePages("pages", count, kHome);
  if (!pages.ok()) return pages.status();
  if (absl::Status ok = Prepare(job, *pages); !ok.ok()) return ok;
  absl::StatusOr<std::unique_ptr<FabricFloor>> fabric =
      FabricFloor::Create(job, NodeId(kHome), count);
  if (!fabric.ok()) return fabric.status();

  // The home sleeps in these exchanges, which the fabric does not see: whatever wakes its agent
  // between them, the measurement did.
  absl::StatusOr<std::vector<Statistics>> before = job.GatherStatistics("counts before");
  if (!before.ok()) return before.status();
  MissMeasurement measurement(job.measures() ? count : 0);
  uint64_t wrong = 0;
  if (job.measures()) {
    absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(count);
    if (!floor.ok()) return floor.status();
    const std::vector<uint64_t> order = RandomOrder(count);
    const auto floor_page = [&](uint64_t turn) {
      return (*floor)->page(FaultFloor::Kind::kCopied, order[turn]);
    };
    const auto first_word = [&](uint64_t turn) { return &(*pages)[order[turn] * kWordsPerPage]; };
    absl::Status done = access == Access::kRead
                            ? measurement.Run(
                                  job, **floor, count,
                                  [&](uint64_t turn) {
                                    const uint64_t value =
                                        *static_cast<volatile uint64_t*>(first_word(turn));
                                    wrong += value != ValueOf(order[turn]) ? 1 : 0;
                                  },
                                  [&](uint64_t turn) { TouchForReading(floor_page(turn)); },
                                  [&](uint64_t turn) { return (*fabric)->Miss(order[turn]); })
                            : measurement.Run(
                                  job, **floor, count,
                                  [&](uint64_t turn) {
                                    *static_cast<volatile uint64_t*>(first_word(turn) + 1) = turn;
                                  },
                                  [&](uint64_t turn) { TouchForWriting(floor_page(turn), turn); },
                                  [&](uint64_t turn) { return (*fabric)->Miss(order[turn]); });
    if (!done.ok()) return done;
    for (uint64_t page = 0; page < count; ++page) {  // what a page had before a write stays there
      wrong += (*pages)[page * kWordsPerPage] != ValueOf(page) ? 1 : 0;
    }
  }
  if (absl::Status ok = job.Meet("measured"); !ok.ok()) return ok;
  absl::StatusOr<std::vector<Statistics>> after = job.GatherStatistics("counts after");
  if (!after.ok()) return after.status();
  if (wrong > 0) return absl::DataLossError(absl::StrCat(wrong, " pages came with wrong content"));
  if (job.measures()) {
    Row row = measurement.ToRow(access == Access::kRead ? "read_miss" : "write_miss", count,
                                "fault and install", (*fabric)->miss_name());
    AddCounts(row, *before, *after, count);
    sink(row);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadMiss(const Settings& settings, const RowSink& sink) {
  return Miss(settings, sink, Access::kRead);
}

absl::Status WriteMiss(const Settings& settings, const RowSink& sink) {
  return Miss(settings, sink, Access::kWrite);
}

// Nodes 1 … k and the measuring node read all pages; then the latter writes.
absl::Status Upgrade(const Settings& settings, const RowSink& sink) {
  const uint64_t count = settings.iterations;
  absl::StatusOr<std::unique_ptr<JobNode>> joined =
      JobNode::Join([count](NodeOptions& own) { own.cache_bytes = (count + 1024) * kPageBytes; });
  if (!joined.ok()) return joined.status();
  JobNode& job = **joined;
  absl::StatusOr<std::span<uint64_t>> pages = job.AllocatePages("pages", count, kHome);
  if (!pages.ok()) return pages.status();
  absl::StatusOr<std::unique_ptr<FabricFloor>> fabric =
      FabricFloor::Create(job, NodeId(kHome), count);
  if (!fabric.ok()) return fabric.status();
  const auto first_word = [&](uint64_t page) { return &(*pages)[page * kWordsPerPage]; };
  if (job.id() != kHome) {
    for (uint64_t page = 0; page < count; ++page) {
      TouchForReading(reinterpret_cast<std::byte*>(first_word(page)));
    }
  }
  absl::StatusOr<std::vector<Statistics>> before = job.GatherStatistics("pages are shared");
  if (!before.ok()) return before.status();

  Row row;
  if (job.measures()) {
    absl::StatusOr<std::unique_ptr<FaultFloor>> floor = job.MakeFaultFloor(count);
    if (!floor.ok()) return floor.status();
    constexpr FaultFloor::Kind kCopied = FaultFloor::Kind::kCopied;
    for (uint64_t page = 0; page < count; ++page) (*floor)->Install(kCopied, page, Access::kRead);
    const std::vector<uint64_t> order = RandomOrder(count);
    MissMeasurement measurement(count);
    absl::Status done = measurement.Run(
        job, **floor, count,
        [&](uint64_t turn) { *static_cast<volatile uint64_t*>(first_word(order[turn])) = turn; },
        [&](uint64_t turn) { TouchForWriting((*floor)->page(kCopied, order[turn]), turn); },
        [&](uint64_t turn) { return (*fabric)->Atomic(order[turn]); });
    if (!done.ok()) return done;
    row = measurement.ToRow(absl::StrCat("upgrade/sharers:", settings.sharers), count,
                            "write-protect fault", "fabric atomic");
  }
  // Who only shares gets here at once: its counts are to be taken afterwards.
  if (absl::Status ok = job.Meet("measured"); !ok.ok()) return ok;
  absl::StatusOr<std::vector<Statistics>> after = job.GatherStatistics("counts after");
  if (!after.ok()) return after.status();
  if (job.measures()) {
    row.figures = {{"sharers", settings.sharers}};
    AddSleeps(row, *before, *after, count);
    sink(row);
  }
  return absl::OkStatus();
}

}  // namespace farpage::cli::perf
