// Segments in which other nodes have written whatever they like: mailboxes, keys, bits of nodes
// that do not exist. Nothing is read or written outside them, and nothing goes on for ever.
#include <array>
#include <cstring>
#include <memory>

#include "tests/fuzz/fuzz_input.h"
#include "transport/shm/mailbox.h"
#include "transport/shm/one_sided.h"

namespace farpage::testing {
namespace {

using namespace transport;
using namespace transport::shm;

constexpr uint32_t kNodes = 5;
constexpr uint32_t kSlots = 4;
constexpr size_t kBytes = ArenaOffset(kNodes, kSlots) + 2 * shm::kPageBytes;

// On the heap, so that the sanitizers see every step beyond it.
struct Scribbled {
  std::unique_ptr<std::byte[]> bytes{new (std::align_val_t{64}) std::byte[kBytes]()};
  Segment segment{bytes.get(), kBytes};
  ~Scribbled() { ::operator delete[](bytes.release(), std::align_val_t{64}); }

  void Clear() {
    std::memset(static_cast<void*>(&segment.header().pollers), 0,
                sizeof(SegmentHeader) - offsetof(SegmentHeader, pollers));
    std::memset(bytes.get() + kRingsOffset, 0, kNodes * RingBytes(kSlots));
  }
};

// What others write: a word anywhere in the header's shared part, the keys or the rings.
void Scribble(FuzzInput& input, Scribbled& memory) {
  const uint64_t value = input.Flag() ? input.Number<uint64_t>() : input.Number<uint8_t>();
  switch (input.Below(4)) {
    case 0:
      memory.segment.header().mail[input.Below(2)].store(value);
      break;
    case 1: {
      KeyEntry& entry = memory.segment.header().keys[input.Below(4)];
      entry.key.store(input.Below(4));
      entry.begin.store(ArenaOffset(kNodes, kSlots));
      entry.end.store(value);
      break;
    }
    case 2:
      memory.segment.ring(input.Below(kNodes), kSlots)[input.Below(kSlots)].turn.store(value);
      break;
    default:
      memory.segment.header().asleep.store(static_cast<uint32_t>(value));
      break;
  }
}

void ExecuteOne(FuzzInput& input, const Scribbled& memory) {
  alignas(8) static std::array<std::byte, 4096> local;
  Operation operation;
  operation.code = static_cast<OpCode>(input.Below(6));
  operation.length = input.Flag() ? 8 : input.Number<uint16_t>() % local.size();
  operation.local = local.data();
  operation.remote.key.value = input.Below(4);
  operation.remote.address = input.Flag() ? input.Number<uint64_t>()
                                          : ArenaOffset(kNodes, kSlots) + input.Number<uint16_t>();
  (void)Execute(memory.segment, {&operation, 1});
}

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  static auto* memory = new Scribbled;
  memory->Clear();
  FuzzInput input(data, size);
  Inbox inbox(memory->segment, kNodes, kSlots);
  std::array<Outbox, kNodes> outboxes;
  std::array<ReceivedMessage, 3> received;
  while (!input.empty()) {
    switch (input.Below(5)) {
      case 0:
        Scribble(input, *memory);
        break;
      case 1: {
        const uint32_t from = input.Below(kNodes);
        (void)outboxes[from].Push(memory->segment, farpage::NodeId(from), kSlots, Message());
        break;
      }
      case 2: {
        bool more = false;
        const size_t count = inbox.Receive(received, &more);
        for (size_t i = 0; i < count; ++i) {
          Expect(received[i].from.value() < kNodes, "senders are nodes");
        }
        break;
      }
      case 3:
        ExecuteOne(input, *memory);
        break;
      default:
        (void)HasMail(memory->segment.header(), kNodes);
        (void)TakeBell(memory->segment.header());
        break;
    }
  }
  return 0;
}
