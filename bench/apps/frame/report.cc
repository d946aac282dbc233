#include "bench/apps/frame/report.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "bench/apps/frame/format.h"

namespace farpage::apps {

namespace {

using Json = nlohmann::ordered_json;

uint64_t Misses(const Statistics& statistics) {
  return statistics[Counter::read_faults] + statistics[Counter::write_faults] +
         statistics[Counter::upgrade_faults];
}

uint64_t MovedBytes(const Statistics& statistics) {
  return statistics[Counter::read_bytes] + statistics[Counter::write_bytes];
}

std::string Name(const Report& report) {
  return absl::StrCat(report.application,
                      report.version == "farpage" ? "" : absl::StrCat("/", report.version),
                      "/nodes:", report.nodes, "/threads:", report.threads);
}

double Speedup(const Report& report) {
  const double seconds = Median(report.measurements).seconds;
  return seconds > 0 ? Median(report.plain).seconds / seconds : 0;
}

std::string HostName() {
  char name[256] = "unknown";
  gethostname(name, sizeof name - 1);
  return name;
}

Json Context() {
  utsname kernel{};
  uname(&kernel);
  double load[3] = {0, 0, 0};
  const int loads = getloadavg(load, 3);
  Json averages = Json::array();
  for (int index = 0; index < loads; ++index) averages.push_back(load[index]);
  const char* transport = std::getenv("FARPAGE_TRANSPORT");
  return {{"date", absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::LocalTimeZone())},
          {"host_name", HostName()},
          {"executable", program_invocation_short_name},
          {"num_cpus", std::thread::hardware_concurrency()},
          {"mhz_per_cpu", 0},
          {"cpu_scaling_enabled", false},
          {"caches", Json::array()},
          {"load_avg", averages},
#ifdef NDEBUG
          {"library_build_type", "release"},
#else
          {"library_build_type", "debug"},
#endif
          {"farpage", FARPAGE_VERSION},
          {"transport", transport == nullptr ? "shm" : transport},
          {"kernel", kernel.release}};
}

Json Benchmark(const Report& report) {
  const Measurement median = Median(report.measurements);
  const Measurement plain = Median(report.plain);
  Json one = {{"name", Name(report)},
              {"family_index", 0},
              {"per_family_instance_index", 0},
              {"run_name", Name(report)},
              {"run_type", "iteration"},
              {"repetitions", 1},
              {"repetition_index", 0},
              {"threads", report.threads},
              {"iterations", report.measurements.size()},
              {"real_time", median.seconds},
              {"cpu_time", median.cpu_seconds},
              {"time_unit", "s"},
              {"label", report.version},
              {"nodes", report.nodes},
              {"min_seconds", Fastest(report.measurements)},
              {"max_seconds", Slowest(report.measurements)},
              {"plain_seconds", plain.seconds},
              {"plain_cpu_seconds", plain.cpu_seconds},
              {"speedup", Speedup(report)},
              {"verified", report.verified.ok() ? 1 : 0}};
  if (median.statistics.has_value()) {
    one["misses"] = Misses(*median.statistics);
    one["moved_bytes"] = MovedBytes(*median.statistics);
    one["fault_share"] = median.fault_share;
    one["barrier_share"] = median.barrier_share;
  }
  for (const Figure& figure : report.figures) one[figure.name] = figure.value;
  if (median.statistics.has_value()) {
    for (size_t index = 0; index < kCounters.size(); ++index) {
      if (median.statistics->values[index] != 0) {
        one[std::string(kCounters[index].name)] = median.statistics->values[index];
      }
    }
  }
  return one;
}

}  // namespace

void Print(const Report& report, std::ostream& out) {
  const Measurement median = Median(report.measurements);
  out << Name(report)
      << absl::StrFormat(": %.4g s (%.4g … %.4g), processor %.4g s; sequential %.4g s: %.2f times",
                         median.seconds, Fastest(report.measurements), Slowest(report.measurements),
                         median.cpu_seconds, Median(report.plain).seconds, Speedup(report));
  if (median.statistics.has_value()) {
    out << absl::StrFormat("; %s misses, %s moved, %.1f %% in faults, %.1f %% in barriers",
                           WithSeparators(Misses(*median.statistics)),
                           FormatBytes(MovedBytes(*median.statistics)), 100 * median.fault_share,
                           100 * median.barrier_share);
  }
  for (const Figure& figure : report.figures) {
    out << absl::StrFormat("; %s %.6g", figure.name, figure.value);
  }
  if (report.verified.ok()) {
    out << "; verified" << std::endl;
  } else {
    out << "\nNOT VERIFIED: " << report.verified.message() << std::endl;
  }
}

std::string ToJson(const Report& report) {
  return Json{{"context", Context()}, {"benchmarks", Json::array({Benchmark(report)})}}.dump(2) +
         "\n";
}

absl::StatusOr<ReportFile> ReportFile::Open(const std::string& path) {
  if (!path.empty() && !std::ofstream(path, std::ios::app)) {
    return absl::FailedPreconditionError(
        absl::StrCat("--json: cannot write '", path, "': ", strerrordesc_np(errno)));
  }
  return ReportFile(path);
}

absl::Status ReportFile::Write(const std::string& text) {
  if (path_.empty()) return absl::OkStatus();
  std::ofstream file(path_);
  file << text << std::flush;
  if (file) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("--json: cannot write '", path_, "': ", strerrordesc_np(errno)));
}

}  // namespace farpage::apps
