// The engine against any message from any node at any time, between local accesses, chains that
// end well or not, time that passes, and directory words that others change. Nothing that comes
// from outside may stop the process or lead the page table astray, and afterwards everything comes
// to rest.
#include <cstring>
#include <memory>

#include "runtime/engine/wire.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/runtime/engine_world.h"

namespace farpage::testing {
namespace {

using directory::Input;

enum Step : uint8_t {
  kTouch,
  kReceive,
  kReceiveRaw,
  kEndChain,
  kFailChain,
  kWait,
  kChangeHolder,
  kChangeSharers,
  kFetchAhead,
  kPinAndUnpin,
  kFailPeer,
  kSteps
};

constexpr Input kMessages[] = {Input::kGrantShared,   Input::kGrantExclusive, Input::kNack,
                               Input::kAck,           Input::kInvalidate,     Input::kFetchShared,
                               Input::kFetchExclusive};

// Worlds as the transports and page tables make them.
struct Worlds {
  std::unique_ptr<internal::AddressSpace> space =
      *internal::AddressSpace::Reserve(size_t{64} << 20);
  EngineWorld shm{*space, {.as_shm = true, .home_in_place = true}};
  EngineWorld verbs{*space, {.as_shm = false, .home_in_place = true}};
  EngineWorld copies{*space, {.as_shm = false, .home_in_place = false}};

  EngineWorld& at(uint32_t index) { return index == 0 ? shm : index == 1 ? verbs : copies; }
};

Access TakeAccess(FuzzInput& input) { return input.Flag() ? Access::kWrite : Access::kRead; }

NodeId TakePeer(FuzzInput& input) { return NodeId(1 + input.Below(EngineWorld::kNodes - 1)); }

// Bytes as they come, sometimes with the version that the decoder wants.
void ReceiveRaw(FuzzInput& input, EngineWorld& world) {
  const NodeId from = TakePeer(input);
  transport::Message message = internal::Encode({Input::kNack, world.page(0), {}});
  const size_t kept = input.Flag() ? sizeof(uint32_t) : 0;
  const std::string bytes = input.Bytes(message.bytes.size() - kept);
  std::memcpy(message.bytes.data() + kept, bytes.data(), bytes.size());
  // The other worlds' regions are none of this one's business.
  const auto decoded = internal::Decode(message);
  const uint64_t first = world.page(0).value;
  if (decoded && decoded->page.value < (uint64_t{64} << 20 >> internal::kPageShift) &&
      (decoded->page.value < first || decoded->page.value >= first + EngineWorld::kPages)) {
    return;
  }
  world.engine().OnMessage(from, message);
}

void PinAndUnpin(FuzzInput& input, EngineWorld& world) {
  const uint64_t page = input.Below(EngineWorld::kPages);
  const internal::AccessResult pinned =
      world.engine().Pin(world.region(), page, TakeAccess(input), 0);
  if (pinned.fate != transport::Fate::kOk) return;
  const uint32_t messages = input.Below(4);
  for (uint32_t i = 0; i < messages; ++i) {
    const NodeId from = TakePeer(input);
    world.Receive(from, kMessages[input.Below(std::size(kMessages))], page);
  }
  world.engine().Unpin(world.region(), page);
}

void Take(FuzzInput& input, EngineWorld& world) {
  switch (static_cast<Step>(input.Below(kSteps))) {
    case kTouch: {
      const uint64_t page = input.Below(EngineWorld::kPages);
      world.Touch(page, TakeAccess(input));
      break;
    }
    case kReceive: {
      const NodeId from = TakePeer(input);
      const Input kind = kMessages[input.Below(std::size(kMessages))];
      const uint64_t page = input.Below(EngineWorld::kPages);
      world.Receive(from, kind, page, {0, {input.Below(4)}, 0});
      break;
    }
    case kReceiveRaw:
      ReceiveRaw(input, world);
      break;
    case kEndChain:
      world.EndChain(true);
      break;
    case kFailChain:
      world.EndChain(false);
      break;
    case kWait:
      world.Wait(int64_t{1000} * input.Number<uint8_t>());
      break;
    case kChangeHolder: {
      const uint64_t page = input.Below(EngineWorld::kPages);
      const uint32_t holder = input.Below(EngineWorld::kNodes + 1);
      world.SetHolder(page, holder == 0 ? NodeId::None() : NodeId(holder - 1));
      break;
    }
    case kChangeSharers: {
      const uint64_t page = input.Below(EngineWorld::kPages);
      world.SetSharers(page, input.Below(1u << EngineWorld::kNodes));
      break;
    }
    case kFetchAhead: {
      const uint64_t first = input.Below(EngineWorld::kPages);
      const uint64_t count = input.Below(EngineWorld::kPages);
      world.engine().FetchAhead(world.region(), first, count, TakeAccess(input));
      break;
    }
    case kPinAndUnpin:
      PinAndUnpin(input, world);
      break;
    case kFailPeer:
      world.transport().MarkPeerFailed(TakePeer(input), "it died");
      world.engine().CheckFailures();
      break;
    case kSteps:
      break;
  }
}

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  static auto* worlds = new Worlds;  // making one takes longer than a thousand inputs
  constexpr size_t kMostSteps = 256;
  FuzzInput input(data, size);
  EngineWorld& world = worlds->at(input.Below(3));
  for (size_t step = 0; step < kMostSteps && !input.empty(); ++step) Take(input, world);
  world.ComeToRest();
  return 0;
}
