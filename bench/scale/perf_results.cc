#include "bench/scale/perf_results.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace farpage::bench::scale {

using Json = nlohmann::json;

absl::StatusOr<PerfResults> PerfResults::Read(const std::vector<std::string>& files) {
  PerfResults results;
  for (const std::string& file : files) {
    std::ifstream stream(file);
    if (!stream) return absl::NotFoundError(absl::StrCat("cannot read '", file, "'"));
    const Json all = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
    if (!all.is_object() || !all.contains("benchmarks") || !all["benchmarks"].is_array()) {
      return absl::InvalidArgumentError(absl::StrCat("'", file, "' is no result of farpage perf"));
    }
    if (all.contains("context") && all["context"].contains("num_cpus")) {
      results.processors_ = all["context"]["num_cpus"].get<uint32_t>();
    }
    for (const Json& row : all["benchmarks"]) {
      for (const auto& [field, value] : row.items()) {
        if (!value.is_number()) continue;
        results.figures_[row.value("name", "")][field].push_back(value.get<double>());
      }
    }
  }
  return results;
}

absl::StatusOr<double> PerfResults::Median(const std::string& name,
                                           const std::string& field) const {
  const auto row = figures_.find(name);
  if (row == figures_.end()) return absl::NotFoundError(absl::StrCat("no row '", name, "'"));
  const auto figure = row->second.find(field);
  if (figure == row->second.end()) {
    return absl::NotFoundError(absl::StrCat("row '", name, "' has no '", field, "'"));
  }
  std::vector<double> values = figure->second;
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

}  // namespace farpage::bench::scale
