// The protocol's messages as bytes in a mailbox.
#ifndef FARPAGE_RUNTIME_ENGINE_WIRE_H_
#define FARPAGE_RUNTIME_ENGINE_WIRE_H_

#include <cstdint>
#include <optional>

#include "directory/protocol.h"
#include "runtime/engine/region.h"
#include "transport/transport.h"

namespace farpage::internal {

struct PageMessage {
  directory::Input kind = directory::Input::kNack;  // one of the message inputs
  PageId page;
  transport::RemoteAddress landing;  // FETCH: where the holder shall put the page
};

transport::Message Encode(const PageMessage& message);

// Nothing if the bytes are no such message: unknown version or kind. The page is not checked.
std::optional<PageMessage> Decode(const transport::Message& bytes);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_WIRE_H_
