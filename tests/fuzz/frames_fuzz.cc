// The frames of the rendezvous, in whatever pieces they arrive, and the messages in them. What can
// be decoded is encoded to the same bytes again.
#include <string>

#include "runtime/bootstrap/frame_io.h"
#include "tests/fuzz/fuzz_input.h"

namespace farpage::testing {
namespace {

using namespace bootstrap;

void ExpectPayload(const std::string& frame, const Frame& from) {
  Expect(frame.substr(kFrameHeaderBytes) == from.payload, "encoding undoes decoding");
}

void DecodeAll(const Frame& frame) {
  const auto fds = static_cast<uint8_t>(frame.fds.size());
  if (const auto hello = DecodeHello(frame.bytes()); hello.ok()) {
    ExpectPayload(EncodeHello(*hello), frame);
  }
  if (const auto contribute = DecodeContribute(frame.bytes()); contribute.ok()) {
    ExpectPayload(EncodeContribute(*contribute, fds), frame);
  }
  if (const auto part = DecodePart(frame.bytes()); part.ok()) {
    Expect(part->node.value() < kMaxNodes, "a part's node is a node");
    ExpectPayload(EncodePart(*part, fds), frame);
  }
  if (const auto death = DecodeDeath(frame.bytes()); death.ok()) {
    Expect(death->node.value() < kMaxNodes, "a dead node is a node");
    ExpectPayload(EncodeDeath(*death), frame);
  }
  absl::Status failure;
  if (DecodeFailed(frame.bytes(), failure).ok()) {
    Expect(!failure.ok(), "a failure is no success");
    ExpectPayload(EncodeFailed(failure), frame);
  }
}

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  FuzzInput input(data, size);
  FrameReceiver receiver(input.Flag() ? kMaxPayloadBytes : kMaxHelloBytes);
  while (!input.empty()) {
    const std::string piece = input.ShortText();
    if (!receiver.Append(std::as_bytes(std::span(piece)), {}).ok()) return 0;
    while (true) {
      const auto frame = receiver.Next();
      if (!frame.ok()) return 0;  // the connection is closed then
      if (!frame->has_value()) break;
      DecodeAll(**frame);
    }
  }
  return 0;
}
