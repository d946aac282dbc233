#include "farpage/statistics.h"

#include "absl/strings/str_format.h"

namespace farpage {

Statistics& Statistics::operator+=(const Statistics& other) {
  for (size_t index = 0; index < values.size(); ++index) values[index] += other.values[index];
  return *this;
}

Statistics Statistics::operator-(const Statistics& earlier) const {
  Statistics difference;
  for (size_t index = 0; index < values.size(); ++index) {
    difference.values[index] = values[index] - earlier.values[index];
  }
  return difference;
}

std::string Statistics::ToText() const {
  std::string text;
  for (size_t index = 0; index < values.size(); ++index) {
    if (values[index] == 0) continue;
    const CounterInfo& info = kCounters[index];
    absl::StrAppendFormat(&text, "  %-24s %14u %-10s  %s\n", std::string(info.name), values[index],
                          std::string(info.unit), std::string(info.meaning));
  }
  return text;
}

std::string Statistics::ToJson() const {
  std::string json = "{";
  for (size_t index = 0; index < values.size(); ++index) {
    absl::StrAppendFormat(&json, "%s\"%s\": %u", index == 0 ? "" : ", ",
                          std::string(kCounters[index].name), values[index]);
  }
  return json + "}";
}

}  // namespace farpage
