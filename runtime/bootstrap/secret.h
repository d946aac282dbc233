// The 128 random bits that a job's nodes share.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_SECRET_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_SECRET_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace farpage::bootstrap {

using Secret = std::array<std::byte, 16>;

// From the kernel's generator. UNAVAILABLE if it gives none.
absl::StatusOr<Secret> RandomSecret();

// 32 hexadecimal digits, and back.
std::string SecretText(const Secret& secret);
std::optional<Secret> ParseSecret(std::string_view text);

// Takes the same time wherever the two differ.
bool SameSecret(const Secret& a, const Secret& b);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_SECRET_H_
