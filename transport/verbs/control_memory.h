// What is where in the registered memory that a node needs for the transport itself. Peers write
// into it, so the layout is the same on all nodes.
#ifndef FARPAGE_TRANSPORT_VERBS_CONTROL_MEMORY_H_
#define FARPAGE_TRANSPORT_VERBS_CONTROL_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "transport/transport.h"

namespace farpage::transport::verbs {

inline constexpr size_t kLineBytes = 64;
static_assert(kMessageBytes <= kLineBytes);

// Credits that a receiver has returned, as it writes them into the sender's memory: one word, so
// that both change at once. The numbers grow for ever and wrap around.
struct Credits {
  uint32_t messages = 0;    // taken out of the mailbox
  uint32_t immediates = 0;  // word changes noticed

  static Credits FromWord(uint64_t word) {
    return {static_cast<uint32_t>(word), static_cast<uint32_t>(word >> 32)};
  }
  uint64_t ToWord() const { return uint64_t{immediates} << 32 | messages; }
};

// Offsets in bytes. All parts are whole lines.
class ControlLayout {
 public:
  ControlLayout(uint32_t nodes, uint32_t mailbox_slots, uint32_t scratch_lines)
      : nodes_(nodes), slots_(mailbox_slots), scratch_lines_(scratch_lines) {}

  // Where atomic operations whose old value nobody wants put it.
  static size_t dump() { return 0; }
  // The Credits that `peer` has returned.
  static size_t credits(NodeId peer) { return kLineBytes * (1 + peer.value()); }
  // The mailbox of messages from `peer`.
  size_t slot(NodeId peer, uint32_t index) const {
    return kLineBytes * (1 + nodes_ + size_t{peer.value()} * slots_ + index);
  }
  // What is written to `peer` from here, where a device cannot copy it into the work request. Last,
  // because only its owner uses it.
  size_t scratch(NodeId peer, uint32_t index) const {
    return slot(NodeId(nodes_), 0) + kLineBytes * (size_t{peer.value()} * scratch_lines_ + index);
  }
  size_t bytes() const { return scratch(NodeId(nodes_), 0); }

 private:
  uint32_t nodes_;
  uint32_t slots_;
  uint32_t scratch_lines_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_CONTROL_MEMORY_H_
