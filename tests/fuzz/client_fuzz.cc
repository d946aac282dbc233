// What a node makes of whatever a launcher may send it.
#include <string>
#include <vector>

#include "runtime/bootstrap/launcher_news.h"
#include "runtime/bootstrap/messages.h"
#include "tests/fuzz/fuzz_input.h"

namespace farpage::testing {
namespace {

using bootstrap::Frame;
using bootstrap::LauncherNews;
using bootstrap::MessageType;

// Frames that are almost right get further than random bytes.
Frame TakeFrame(FuzzInput& input) {
  Frame frame;
  std::string bytes;
  switch (input.Below(4)) {
    case 0:
      bytes = bootstrap::EncodePart({NodeId(input.Below(8)), input.Bytes(4)}, 0);
      frame.type = MessageType::kPart;
      break;
    case 1:
      bytes = bootstrap::EncodeDeath({NodeId(input.Below(8)), input.Bytes(4)});
      frame.type = MessageType::kDeath;
      break;
    default:
      frame.type = static_cast<MessageType>(1 + input.Below(7));
      frame.payload = input.ShortText();
      return frame;
  }
  frame.payload = bytes.substr(bootstrap::kFrameHeaderBytes);
  return frame;
}

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  FuzzInput input(data, size);
  const uint32_t nodes = 1 + input.Below(6);
  LauncherNews news(nodes);
  while (!input.empty()) {
    if (!news.exchanging() && news.broken().ok() && input.Below(4) == 0) news.BeginExchange();
    if (!news.Take(TakeFrame(input)).ok()) break;  // the connection is closed then
    if (news.exchanging() && news.exchange_over()) {
      const auto parts = news.EndExchange();
      Expect(parts.ok() == news.broken().ok(), "an exchange succeeds or has been broken");
      if (parts.ok()) Expect(parts->size() == nodes, "a part of every node");
    }
  }
  for (const auto& death : news.TakeDeaths()) {
    Expect(death.node.value() < nodes, "the dead are nodes of this cluster");
  }
  return 0;
}
