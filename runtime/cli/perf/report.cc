#include "runtime/cli/perf/report.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/memory/pager.h"

namespace farpage::cli::perf {
namespace {

using Json = nlohmann::ordered_json;

std::string PagerName(const std::string& kind) {
  void* range = mmap(nullptr, internal::kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (range == MAP_FAILED) return kind;
  std::string name;
  {
    const absl::StatusOr<std::unique_ptr<internal::Pager>> pager =
        internal::CreatePager(kind, static_cast<std::byte*>(range), internal::kPageBytes);
    name = pager.ok() ? std::string((*pager)->name()) : absl::StrCat(kind, " (refused)");
  }
  munmap(range, internal::kPageBytes);
  return name;
}

std::string DeviceName(const Options& options) {
  if (options.cluster.transport != "verbs") return "none";
  if (!options.node.verbs_device.empty()) return options.node.verbs_device;
  std::vector<std::string> devices;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/infiniband", error)) {
    devices.push_back(entry.path().filename());
  }
  return devices.size() == 1 ? devices[0]
                             : absl::StrCat("chosen among ", absl::StrJoin(devices, " "));
}

Json Context(const Surroundings& surroundings) {
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  double load[3] = {0, 0, 0};
  const int loads = getloadavg(load, 3);
  Json averages = Json::array();
  for (int index = 0; index < loads; ++index) averages.push_back(load[index]);
  Json context = {{"date", absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::LocalTimeZone())},
                  {"host_name", host},
                  {"executable", "farpage perf"},
                  {"num_cpus", std::thread::hardware_concurrency()},
                  {"mhz_per_cpu", 0},
                  {"cpu_scaling_enabled", false},
                  {"caches", Json::array()},
                  {"load_avg", averages},
#ifdef NDEBUG
                  {"library_build_type", "release"}};
#else
                  {"library_build_type", "debug"}};
#endif
  for (const auto& [name, value] : surroundings) context[name] = value;
  return context;
}

}  // namespace

Surroundings Describe(const Options& options) {
  utsname kernel{};
  uname(&kernel);
  return {{"farpage", FARPAGE_VERSION},
          {"transport", options.cluster.transport},
          {"device", DeviceName(options)},
          {"page_size", absl::StrCat(internal::kPageBytes)},
          {"pager", PagerName(options.node.pager)},
          {"kernel", kernel.release},
          {"processors", absl::StrCat(std::thread::hardware_concurrency())}};
}

void PrintSurroundings(const Surroundings& surroundings, std::ostream& out) {
  constexpr char kRule[] =
      "---------------------------------------------------------------------------------------\n";
  out << kRule;
  for (const auto& [name, value] : surroundings) out << absl::StrFormat(" %-12s %s\n", name, value);
  out << kRule;
}

void PrintColumnNames(std::ostream& out) {
  out << " #case                   #bytes #iterations t_min[usec]  t_max[usec] t_typical[usec] "
         "t_avg[usec] t_stdev[usec] 99%[usec] 99.9%[usec] floor[usec]  ratio\n";
}

void PrintRow(const Row& row, std::ostream& out) {
  const auto usec = [](double ns) { return ns / 1000; };
  const Summary& time = row.time;
  out << absl::StrFormat(" %-22s %9d %11d %11.3f %12.3f %15.3f %11.3f %13.3f %9.3f %11.3f ",
                         row.name, row.bytes, row.iterations, usec(time.min), usec(time.max),
                         usec(time.typical), usec(time.average), usec(time.deviation),
                         usec(time.p99), usec(time.p999));
  if (row.floor_ns > 0) {
    out << absl::StrFormat("%11.3f %6.2f\n", usec(row.floor_ns), row.ratio());
  } else {
    out << absl::StrFormat("%11s %6s\n", "-", "-");
  }
  if (!row.floor.empty()) out << "     floor: " << row.floor << "\n";
  for (const auto& [name, value] : row.figures) {
    out << absl::StrFormat("     %s: %.6g\n", name, value);
  }
  out.flush();
}

std::string ToJson(const Surroundings& surroundings, const std::vector<Row>& rows) {
  Json benchmarks = Json::array();
  for (size_t index = 0; index < rows.size(); ++index) {
    const Row& row = rows[index];
    Json one = {{"name", row.name},
                {"family_index", index},
                {"per_family_instance_index", 0},
                {"run_name", row.name},
                {"run_type", "iteration"},
                {"repetitions", 1},
                {"repetition_index", 0},
                {"threads", 1},
                {"iterations", row.iterations},
                {"real_time", row.time.average},
                {"cpu_time", row.cpu_ns},
                {"time_unit", "ns"},
                {"bytes", row.bytes},
                {"min_ns", row.time.min},
                {"max_ns", row.time.max},
                {"stdev_ns", row.time.deviation},
                {"p50_ns", row.time.typical},
                {"p99_ns", row.time.p99},
                {"p999_ns", row.time.p999},
                // Where no floor is known there is no ratio either.
                {"floor_ns", row.floor_ns > 0 ? Json(row.floor_ns) : Json()},
                {"ratio", row.floor_ns > 0 ? Json(row.ratio()) : Json()}};
    for (const auto& [name, value] : row.figures) one[name] = value;
    benchmarks.push_back(std::move(one));
  }
  return Json{{"context", Context(surroundings)}, {"benchmarks", benchmarks}}.dump(2) + "\n";
}

absl::StatusOr<JsonFile> JsonFile::Open(const std::string& path) {
  bool is_new = true;
  transport::OwnedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (fd.get() < 0 && errno == EEXIST) {
    is_new = false;
    fd = transport::OwnedFd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  }
  if (fd.get() < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--json: cannot write '", path, "': ", strerrordesc_np(errno)));
  }
  return JsonFile(path, std::move(fd), is_new);
}

JsonFile::~JsonFile() {
  if (fd_.get() >= 0 && is_new_) unlink(path_.c_str());
}

absl::Status JsonFile::Write(const std::string& text) {
  // A device such as /dev/stdout cannot be truncated, and need not be.
  bool written = ftruncate(fd_.get(), 0) == 0 || errno == EINVAL;
  size_t done = 0;
  while (written && done < text.size()) {
    const ssize_t count = write(fd_.get(), text.data() + done, text.size() - done);
    written = count >= 0 || errno == EINTR;
    if (count > 0) done += static_cast<size_t>(count);
  }
  is_new_ = false;
  written = written && close(fd_.release()) == 0;
  if (written) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("--json: cannot write '", path_, "': ", strerrordesc_np(errno)));
}

}  // namespace farpage::cli::perf
