// Errors of system calls while a transport is set up, with what to do about them.
#ifndef FARPAGE_TRANSPORT_SHM_SET_UP_ERROR_H_
#define FARPAGE_TRANSPORT_SHM_SET_UP_ERROR_H_

#include <string_view>

#include "absl/status/status.h"

namespace farpage::transport::shm {

// What errno means after `call` has failed. The caller adds the node.
absl::Status SetUpError(std::string_view call);

}  // namespace farpage::transport::shm

#endif  // FARPAGE_TRANSPORT_SHM_SET_UP_ERROR_H_
