// The coherence protocol: single writer or many readers, write-invalidate, with a passive home.
//
// Pure: state + stimulus → state + effects. No I/O, clock, lock or allocation. The runtime, the
// simulator and the model checker call the same Step(); docs/protocol.md is printed from the same
// table. The rules R1 … R9 named in comments are explained in docs/protocol.md.
#ifndef FARPAGE_DIRECTORY_PROTOCOL_H_
#define FARPAGE_DIRECTORY_PROTOCOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "directory/node_set.h"
#include "transport/types.h"

namespace farpage::directory {

// What a node knows of one page.
enum class State : uint8_t {
  kInvalid,     // nothing here
  kReadChain,   // fetching to read: the chain to the home is in flight
  kReadFetch,   // fetching to read: FETCH_SHARED sent to the holder (partner), unanswered
  kWriteChain,  // fetching to write: the chain to the home is in flight
  kWriteFetch,  // fetching to write: FETCH_EXCLUSIVE sent to the holder (partner), unanswered
  kAwaitAcks,   // holder in the word; awaiting ACKs of the sharers, and perhaps the page
  kShared,      // mapped for reading
  kExpiring,    // mapped for reading until the minimum hold is over; an ACK is owed to partner
  kExclusive,   // mapped for writing; this node is the holder
  kHandOver,    // given up; waiting until the holder word names partner, before GRANT_EXCLUSIVE
};
inline constexpr size_t kStates = 10;

// What can happen to a page, as the caller sees it.
enum class Input : uint8_t {
  kRead,            // a local thread wants to read
  kWrite,           // a local thread wants to write
  kEvict,           // the cache wants the room
  kReadResult,      // the read chain has completed; `holder` is what the holder word said
  kWriteResult,     // the write chain has completed; `holder` is what the CAS found, `sharers`
                    // what the bit words said
  kPageArrived,     // the late page read (kPostPageRead) has completed
  kGrantShared,     // answer of the holder
  kGrantExclusive,  // answer of the holder; the word names this node already
  kNack,            // `from` is not the holder, or cannot serve now
  kAck,             // `from` has dropped its copy
  kInvalidate,      // `from` is the holder and wants this copy dropped
  kFetchShared,     // `from` believes this node is the holder and wants to read
  kFetchExclusive,  // … wants to write
  kHoldOver,        // the minimum hold is over, or the last pin is gone
  kHandedOver,      // the hand-over's atomics have completed
  kPeerFailed,      // `from` has died. Nothing from it comes after this, and none of the operations
                    // it posted executes after this
  kChainFailed,     // the awaited chain failed: the home, `from`, has died
};
inline constexpr size_t kInputs = 17;

// Whether the input is what another node says, not what this node did, saw or learned itself.
constexpr bool IsMessage(Input input) {
  return input >= Input::kGrantShared && input <= Input::kFetchExclusive;
}

struct Stimulus {
  Input input = Input::kRead;
  NodeId from = {};            // messages, kPeerFailed, kChainFailed
  NodeId holder = {};          // results
  bool holder_failed = false;  // results: that holder is known to be dead
  bool holder_self = false;    // results: that holder is this node
  bool held = false;           // a minimum hold or a pin is in force, or requests are deferred
  bool can_defer = true;       // kFetch…: the caller has room to remember the request
  bool ahead = false;          // results: nobody waits for this page (prefetch)
  const NodeSet* sharers = nullptr;  // kWriteResult that won: sharers alive, without this node
};

// Columns of the table: an input with what decides between its cases.
enum class Event : uint8_t {
  kRead,
  kWrite,
  kEvict,
  kReadFree,         // no holder
  kReadFreeOwed,     // no holder, and an INVALIDATE came meanwhile
  kReadHeld,         // a holder
  kReadHeldAhead,    // a holder, and nobody waits
  kReadLost,         // a holder that has died
  kWonAlone,         // CAS won, page here, no sharers
  kWonShared,        // CAS won, page here, sharers
  kWonSharedAhead,   // CAS won, sharers, and nobody waits
  kWonWithoutPage,   // CAS won, copy lost meanwhile
  kBeaten,           // CAS found a holder
  kBeatenAhead,      // CAS found a holder, and nobody waits
  kBeatenLost,       // CAS found a holder that has died
  kBeatenOrphan,     // CAS found this node: who died after passing the word on had the page
  kPageArrived,      // ACKs still missing
  kPageArrivedLast,  // nothing else missing
  kGrantShared,
  kGrantPoisoned,  // GRANT_SHARED that an INVALIDATE overtook
  kGrantExclusive,
  kNack,
  kAck,      // more is missing
  kAckLast,  // nothing else missing
  kInvalidate,
  kInvalidateHeld,       // within the minimum hold
  kInvalidateByPartner,  // from the very node that was asked for the page
  kFetchShared,
  kFetchExclusive,
  kFetchHeld,     // either, within the minimum hold
  kFetchRefused,  // either, and the caller cannot defer
  kHoldOver,
  kHandedOver,
  kPartnerFailed,  // the node that was asked has died
  kChainFailed,
  kIrrelevant,  // does not concern this page now
};
inline constexpr size_t kEvents = 36;

// What the caller must do, in this order, before it unlocks the page.
enum class EffectKind : uint8_t {
  kPostReadChain,         // {FETCH-AND-ADD own bit;} READ holder word; READ page. Awaited
  kPostReadChainBitOn,    // the same without the atomic: the bit is on already
  kPostWriteChain,        // COMPARE-AND-SWAP holder none → me; READ entry; READ page. Awaited
  kPostWriteChainNoPage,  // the same without the page: a copy is mapped here
  kPostPageRead,          // READ page. Awaited
  kSetBit,                // FETCH-AND-ADD own bit on
  kClearBit,              // FETCH-AND-ADD own bit off
  kReleaseHolder,         // FETCH-AND-ADD holder me → none
  kTransferHolder,        // FETCH-AND-ADD holder me → peer. Awaited together with what follows
  kReturnHolder,          // FETCH-AND-ADD holder me → peer, which is dead and had the only copy
  kWriteBack,             // WRITE page to the home (nothing to do where the home maps it in place)
  kSendInvalidates,       // INVALIDATE to every node of `need`
  kSendAck,
  kSendNack,
  kSendFetchShared,
  kSendFetchExclusive,
  kSendGrantShared,     // page data first: the message must not overtake it
  kSendGrantExclusive,  // likewise
  kInstallReadOnly,     // map the fetched page for reading
  kInstallWritable,     // map the fetched page for writing
  kMakeWritable,        // the copy that is mapped for reading becomes writable
  kWriteProtect,
  kCapture,        // stop local writers and copy the page aside, for what is sent later
  kZap,            // unmap
  kDefer,          // remember this request; feed it again after kServeDeferred
  kServeDeferred,  // feed the deferred requests again, in order of arrival
  kStartHold,      // make sure kHoldOver comes when the minimum hold is over
  kFail,           // accesses waiting for this page cannot be served: `peer` is dead
};

struct Effect {
  EffectKind kind;
  NodeId peer;
};

// At most a handful of effects; never allocates.
class Effects {
 public:
  static constexpr size_t kCapacity = 8;
  void push_back(Effect effect) { items_[size_++] = effect; }
  const Effect* begin() const { return items_.data(); }
  const Effect* end() const { return items_.data() + size_; }
  size_t size() const { return size_; }
  const Effect& operator[](size_t index) const { return items_[index]; }

 private:
  std::array<Effect, kCapacity> items_{};
  size_t size_ = 0;
};

// The part of a page's state that the protocol owns. Six bytes.
struct PageState {
  State state = State::kInvalid;
  bool own_bit : 1 = false;    // own sharer bit, as of the operations posted so far (R4)
  bool poisoned : 1 = false;   // an INVALIDATE overtook the answer (R6)
  bool mapped : 1 = false;     // a read-only copy is mapped (also while fetching to write)
  bool page_here : 1 = false;  // the chain in flight brings the page, or has brought it
  NodeId partner;              // whom this page waits for, or owes an ACK or a GRANT; in a chain
                               // that is tried again, the dead node that was asked before

  friend bool operator==(const PageState&, const PageState&) = default;
};
static_assert(sizeof(PageState) <= 6);

// Whether the local access that faulted may go on now, must wait, or caused a step.
enum class Verdict : uint8_t {
  kStepped,     // state and effects changed as the table says
  kHit,         // kRead, kWrite: the access is permitted as things are
  kWait,        // kRead, kWrite: wait for a change, then try again
  kRefused,     // kEvict: not now
  kIgnored,     // nothing to do
  kImpossible,  // cannot happen between correct nodes; nothing was changed
};

// Carries out one step. `need` holds the sharers whose ACK is missing: it is written in
// kWriteChain → kAwaitAcks and read and changed in kAwaitAcks; it may be null in other states.
Verdict Step(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects);

// The column that a stimulus falls into.
Event Classify(const PageState& page, const NodeSet* need, const Stimulus& stimulus);

// What one cell of the table says. Actions are the table's own vocabulary, see protocol.cc.
struct CellView {
  Verdict verdict;
  State next;
  std::span<const uint8_t> actions;
};
CellView Cell(State state, Event event);

const char* Name(State state);
const char* Name(Input input);
const char* Name(Event event);
const char* Name(EffectKind kind);
const char* ActionName(uint8_t action);

}  // namespace farpage::directory

#endif  // FARPAGE_DIRECTORY_PROTOCOL_H_
