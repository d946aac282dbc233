#include "runtime/cli/perf/row.h"

#include <nlohmann/json.hpp>

namespace farpage::cli::perf {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMark = "farpage-perf-row ";

}  // namespace

std::string ToLine(const Row& row) {
  const Summary& time = row.time;
  const Json json = {row.name,
                     row.bytes,
                     row.iterations,
                     Json::array({time.min, time.max, time.typical, time.average, time.deviation,
                                  time.p99, time.p999}),
                     row.cpu_ns,
                     row.floor_ns,
                     row.floor,
                     row.figures};
  return std::string(kMark) + json.dump();
}

std::optional<Row> FromLine(std::string_view line) {
  if (line.substr(0, kMark.size()) != kMark) return std::nullopt;
  const Json json = Json::parse(line.substr(kMark.size()), nullptr, /*allow_exceptions=*/false);
  if (!json.is_array() || json.size() != 8 || json[3].size() != 7) return std::nullopt;
  // Any other number is converted, whatever its size.
  if (!json[1].is_number_unsigned() || !json[2].is_number_unsigned()) return std::nullopt;
  try {
    Row row;
    row.name = json[0];
    row.bytes = json[1];
    row.iterations = json[2];
    const Json& time = json[3];
    row.time = {time[0], time[1], time[2], time[3], time[4], time[5], time[6]};
    row.cpu_ns = json[4];
    row.floor_ns = json[5];
    row.floor = json[6];
    row.figures = json[7].get<decltype(row.figures)>();
    return row;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace farpage::cli::perf
