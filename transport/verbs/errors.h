// What the error numbers of system calls and of verbs mean: for set-up a Status that says what to
// do, on the data path a Fate.
#ifndef FARPAGE_TRANSPORT_VERBS_ERRORS_H_
#define FARPAGE_TRANSPORT_VERBS_ERRORS_H_

#include <infiniband/verbs.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "transport/types.h"

namespace farpage::transport::verbs {

// `call` failed with `error`: a value of errno. (Verbs functions that return an int return this
// value; those that return a pointer, and system calls, set errno.)
absl::Status SetUpError(std::string_view call, int error);

// ibv_reg_mr() of `bytes` for `purpose` failed with `error`.
absl::Status RegistrationError(std::string_view purpose, size_t bytes, int error);

// ibv_open_device() of `device` failed with `error`.
absl::Status OpenError(std::string_view device, int error);

// No device was found at all.
absl::Status NoDeviceError();

// The fate of the chain with the work request that ended with `status`.
Fate FateOf(ibv_wc_status status);

// Whether the peer refused an address or key. It also does so while its process ends.
bool RefusedByPeer(ibv_wc_status status);

// What `status` says about the connection, in words for a person.
std::string Explain(ibv_wc_status status);

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_ERRORS_H_
