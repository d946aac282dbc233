#include "runtime/bootstrap/secret.h"

#include <sys/random.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"

namespace farpage::bootstrap {

absl::StatusOr<Secret> RandomSecret() {
  Secret secret;
  ssize_t got = -1;
  do {
    got = getrandom(secret.data(), secret.size(), 0);
  } while (got < 0 && errno == EINTR);
  // Requests of up to 256 bytes are never cut short.
  if (got != static_cast<ssize_t>(secret.size())) return absl::ErrnoToStatus(errno, "getrandom");
  return secret;
}

std::string SecretText(const Secret& secret) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(secret.data()), secret.size()));
}

std::optional<Secret> ParseSecret(std::string_view text) {
  Secret secret;
  if (text.size() != 2 * secret.size()) return std::nullopt;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (size_t i = 0; i < secret.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    secret[i] = static_cast<std::byte>(high * 16 + low);
  }
  return secret;
}

bool SameSecret(const Secret& a, const Secret& b) {
  std::byte different{0};
  for (size_t i = 0; i < a.size(); ++i) different |= a[i] ^ b[i];
  return different == std::byte{0};
}

}  // namespace farpage::bootstrap
