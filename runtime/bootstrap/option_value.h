// Values as people write them: whole numbers, sizes with suffixes, switches.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_OPTION_VALUE_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_OPTION_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace farpage::bootstrap {

// A decimal number with nothing around it, or nullopt (also when it does not fit).
std::optional<int64_t> ParseWholeNumber(std::string_view text);

// "4096", "64K", "64k", "64KiB", "1G", "2TiB": binary multiples. nullopt if malformed or above
// 2^63.
std::optional<int64_t> ParseByteSize(std::string_view text);

// 1, true, on, yes / 0, false, off, no.
std::optional<bool> ParseSwitch(std::string_view text);

// The shortest exact way to write a size: 65536 → "64K", 65537 → "65537".
std::string FormatByteSize(int64_t bytes);

// Least number of letters to insert, drop or replace to make `a` from `b`.
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_OPTION_VALUE_H_
