// fault_floor: what a fault and an install cost by themselves.
#include <algorithm>
#include <numeric>
#include <random>

#include "runtime/bootstrap/options_table.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/fault_floor.h"
#include "runtime/cli/perf/page_order.h"

namespace farpage::cli::perf {
namespace {

using Kind = FaultFloor::Kind;

// One kind of fault against the same change of the mapping made without a fault. The first half of
// the floor's pages, in random order, takes faults, the second half does not.
Row MeasureFault(FaultFloor& floor, const std::string& name, Kind kind, Access access,
                 bool unprotect, uint64_t iterations) {
  const std::vector<uint64_t> order = RandomOrder(iterations);
  if (unprotect) {
    for (uint64_t index = 0; index < 2 * iterations; ++index) {
      floor.Install(kind, index, Access::kRead);
    }
  }
  Samples faults(iterations);
  Samples installs(iterations);
  double cpu_ns = 0;
  const absl::Status done =
      Alternate(iterations, {[&](uint64_t begin, uint64_t end) {
                               const CpuTime cpu(cpu_ns);
                               for (uint64_t turn = begin; turn < end; ++turn) {
                                 std::byte* page = floor.page(kind, order[turn]);
                                 faults.Time([&] {
                                   if (access == Access::kRead) {
                                     TouchForReading(page);
                                   } else {
                                     TouchForWriting(page, turn);
                                   }
                                 });
                               }
                               return absl::OkStatus();
                             },
                             [&](uint64_t begin, uint64_t end) {
                               for (uint64_t turn = begin; turn < end; ++turn) {
                                 const uint64_t index = iterations + order[turn];
                                 installs.Time([&] {
                                   if (unprotect) {
                                     floor.MakeWritable(kind, index);
                                   } else {
                                     floor.Install(kind, index, access);
                                   }
                                 });
                               }
                               return absl::OkStatus();
                             }});
  done.IgnoreError();  // no stretch fails
  floor.Reset(kind);
  return {.name = name,
          .bytes = internal::kPageBytes,
          .iterations = iterations,
          .time = faults.Summarize(),
          .cpu_ns = cpu_ns / static_cast<double>(iterations),
          .floor_ns = installs.MedianNs(),
          .floor = "the same without a fault",
          .figures = {}};
}

}  // namespace

absl::Status FaultFloorCase(const Settings& settings, const RowSink& sink) {
  const absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
  if (!options.ok()) return options.status();
  absl::StatusOr<std::unique_ptr<FaultFloor>> made =
      FaultFloor::Create(options->node.pager, 2 * settings.iterations);
  if (!made.ok()) return made.status();
  FaultFloor& floor = **made;
  const FaultFloor::Scope scope(floor, nullptr);
  const uint64_t count = settings.iterations;
  sink(MeasureFault(floor, "fault_floor/copy", Kind::kCopied, Access::kRead, false, count));
  sink(MeasureFault(floor, "fault_floor/copy_write", Kind::kCopied, Access::kWrite, false, count));
  sink(MeasureFault(floor, "fault_floor/unprotect", Kind::kCopied, Access::kWrite, true, count));
  if (floor.maps_in_place()) {
    sink(MeasureFault(floor, "fault_floor/in_place", Kind::kInPlace, Access::kRead, false, count));
  }
  return absl::OkStatus();
}

}  // namespace farpage::cli::perf
