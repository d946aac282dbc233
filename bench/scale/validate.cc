#include "bench/scale/validate.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/scale/cases.h"
#include "bench/scale/perf_results.h"
#include "bench/scale/soft_roce.h"
#include "runtime/cli/perf/alternate.h"
#include "runtime/fatal.h"

namespace farpage::bench::scale {
namespace {

struct Latency {
  const char* measured;  // the row of perf
  const char* name;      // of the simulation's result
  uint32_t nodes;
  uint32_t sharers;
};

// As many nodes as perf starts.
constexpr std::array kLatencies = {
    Latency{"read_miss", "read_miss", 3, 0},       Latency{"write_miss", "write_miss", 3, 0},
    Latency{"upgrade/sharers:1", "upgrade", 3, 1}, Latency{"upgrade/sharers:2", "upgrade", 4, 2},
    Latency{"upgrade/sharers:3", "upgrade", 5, 3},
};

Result Simulate(const Machine& machine, const Latency& latency, uint32_t in_a_row) {
  for (Result& result : Measure(machine, latency.nodes, in_a_row)) {
    if (result.name == latency.name && result.sharers == latency.sharers) return result;
  }
  internal::Fatal("nothing simulates %s with %u nodes", latency.name, latency.nodes);
}

double Microseconds(int64_t ns) { return static_cast<double>(ns) / 1000; }

void PrintParameters(const Pieces& pieces, const Machine& machine, std::ostream& out) {
  const auto print = [&out](const char* name, int64_t ns) {
    out << absl::StreamFormat("  %-32s %9.1f\n", name, Microseconds(ns));
  };
  out << "pieces, medians in µs:\n";
  ForEachPiece(pieces, [&](const std::string& name, int64_t ns) { print(name.c_str(), ns); });
  const transport::sim::Latency& latency = machine.latency;
  out << absl::StreamFormat("parameters, µs (%u processors):\n", machine.processors.count);
  print("overhead", latency.overhead_ns);
  print("wire", latency.wire_ns);
  print("receive", latency.receive_ns);
  print("read", latency.read_ns);
  print("page of bytes", latency.byte_ps * static_cast<int64_t>(internal::kPageBytes) / 1000);
  print("arm", latency.arm_ns);
  print("wake", latency.wake_ns);
  print("event", latency.event_ns);
  print("switch", machine.processors.switch_ns);
  print("fault and return", machine.fault_ns + machine.return_ns);
}

}  // namespace

absl::Status Validate(const std::vector<std::string>& files, std::ostream& out) {
  const absl::StatusOr<PerfResults> results = PerfResults::Read(files);
  if (!results.ok()) return results.status();
  const absl::StatusOr<Pieces> pieces = PiecesOf(*results);
  if (!pieces.ok()) return pieces.status();
  const Machine machine = SoftRoceMachine(*pieces, results->processors());
  PrintParameters(*pieces, machine, out);
  out << "\n| case | measured, µs | simulated, µs | ratio | sleeps, measured | simulated "
         "| wake-ups, measured | simulated |\n|---|---|---|---|---|---|---|---|\n";
  for (const Latency& latency : kLatencies) {
    const absl::StatusOr<double> measured = results->Median(latency.measured);
    if (!measured.ok()) return measured.status();
    const absl::StatusOr<double> sleeps = results->Median(latency.measured, "sleeps");
    if (!sleeps.ok()) return sleeps.status();
    const absl::StatusOr<double> wakeups = results->Median(latency.measured, "wakeups");
    if (!wakeups.ok()) return wakeups.status();
    const absl::StatusOr<double> iterations = results->Median(latency.measured, "iterations");
    if (!iterations.ok()) return iterations.status();
    // So many follow each other before perf measures their floor for a while.
    const uint64_t in_a_row = cli::perf::StretchLength(static_cast<uint64_t>(*iterations));
    const Result simulated = Simulate(machine, latency, static_cast<uint32_t>(in_a_row));
    const auto simulated_ns = static_cast<double>(simulated.virtual_ns);
    out << absl::StreamFormat("| %s | %.0f | %.0f | %.2f | %.1f | %.1f | %.1f | %.1f |\n",
                              latency.measured, *measured / 1000, simulated_ns / 1000,
                              simulated_ns / *measured, *sleeps, simulated.count("sleeps"),
                              *wakeups, simulated.count("wakeups"));
  }
  return absl::OkStatus();
}

}  // namespace farpage::bench::scale
