#include "runtime/bootstrap/unix_address.h"

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace farpage::bootstrap {

absl::StatusOr<UnixAddress> ParseUnixAddress(std::string_view text) {
  constexpr size_t kMaxName = 100;
  static_assert(kMaxName + 1 <= sizeof(sockaddr_un::sun_path));
  const bool known = text.starts_with(kUnixScheme);
  const std::string_view name = known ? text.substr(kUnixScheme.size()) : std::string_view();
  if (name.empty() || name.size() > kMaxName) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "FARPAGE_RENDEZVOUS is '%s', but should be %sNAME, as farpage run writes it", text,
        kUnixScheme));
  }
  UnixAddress result;
  result.address.sun_family = AF_UNIX;
  // A name in the abstract namespace begins with a zero byte.
  std::memcpy(result.address.sun_path + 1, name.data(), name.size());
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return result;
}

absl::StatusOr<uid_t> PeerUser(int socket) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return absl::ErrnoToStatus(errno, "SO_PEERCRED");
  }
  return credentials.uid;
}

}  // namespace farpage::bootstrap
