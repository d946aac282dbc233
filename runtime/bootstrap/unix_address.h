// Names of sockets in the abstract namespace: nothing in the file system, gone with the process.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_UNIX_ADDRESS_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_UNIX_ADDRESS_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace farpage::bootstrap {

// As written in FARPAGE_RENDEZVOUS. The scheme leaves room for other kinds of listener.
inline constexpr std::string_view kUnixScheme = "unix-abstract:";

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// INVALID_ARGUMENT if `text` is not the scheme and a name of 1 to 100 characters.
absl::StatusOr<UnixAddress> ParseUnixAddress(std::string_view text);

// The effective user of the process at the other end of a connected socket.
absl::StatusOr<uid_t> PeerUser(int socket);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_UNIX_ADDRESS_H_
