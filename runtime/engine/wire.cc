#include "runtime/engine/wire.h"

#include <cstring>

namespace farpage::internal {
namespace {

constexpr uint32_t kVersion = 0x46500001;  // "FP", version 1

struct Layout {
  uint32_t version;
  uint8_t kind;
  uint8_t unused[3];
  uint64_t page;
  transport::RemoteAddress landing;
};
static_assert(sizeof(Layout) <= transport::kMessageBytes);

}  // namespace

transport::Message Encode(const PageMessage& message) {
  Layout layout{};
  layout.version = kVersion;
  layout.kind = static_cast<uint8_t>(message.kind);
  layout.page = message.page.value;
  layout.landing = message.landing;
  transport::Message bytes;
  std::memcpy(bytes.bytes.data(), &layout, sizeof layout);
  return bytes;
}

std::optional<PageMessage> Decode(const transport::Message& bytes) {
  Layout layout;
  std::memcpy(&layout, bytes.bytes.data(), sizeof layout);
  const auto kind = static_cast<directory::Input>(layout.kind);
  if (layout.version != kVersion || !directory::IsMessage(kind)) return std::nullopt;
  return PageMessage{kind, PageId{layout.page}, layout.landing};
}

}  // namespace farpage::internal
