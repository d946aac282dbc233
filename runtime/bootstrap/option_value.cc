#include "runtime/bootstrap/option_value.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <vector>

namespace farpage::bootstrap {
namespace {

struct Suffix {
  std::string_view letter;
  int shift;
};
constexpr Suffix kSuffixes[] = {{"", 0}, {"K", 10}, {"M", 20}, {"G", 30}, {"T", 40}};

bool IsUnit(std::string_view text, std::string_view letter) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  const std::string plain(letter);
  return upper == plain || (letter.empty() ? upper == "B" : upper == plain + "IB");
}

}  // namespace

std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseByteSize(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<int64_t> number = ParseWholeNumber(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Suffix& suffix : kSuffixes) {
    if (!IsUnit(text.substr(digits), suffix.letter)) continue;
    if (*number > (std::numeric_limits<int64_t>::max() >> suffix.shift)) return std::nullopt;
    return *number << suffix.shift;
  }
  return std::nullopt;
}

std::optional<bool> ParseSwitch(std::string_view text) {
  for (std::string_view yes : {"1", "true", "on", "yes"}) {
    if (text == yes) return true;
  }
  for (std::string_view no : {"0", "false", "off", "no"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

std::string FormatByteSize(int64_t bytes) {
  size_t unit = 0;
  while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < std::size(kSuffixes)) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(kSuffixes[unit].letter);
}

#ifdef __clang__  // A fuzzer that watches every cell of the table spends nine tenths of its time
                  // here.
__attribute__((no_sanitize("coverage")))
#endif
size_t
EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace farpage::bootstrap
