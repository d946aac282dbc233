#include "directory/protocol.h"

namespace farpage::directory {
namespace {

// The vocabulary of the table.
enum Action : uint8_t {
  kNone,
  kPostRead,       // (re)start the read chain; ends poison
  kPostWrite,      // (re)start the write chain; ends poison
  kPostPage,       // read the page alone
  kAskShared,      // FETCH_SHARED to the holder; ends poison
  kAskExclusive,   // FETCH_EXCLUSIVE to the holder; ends poison
  kCountSharers,   // need := sharers
  kTellSharers,    // INVALIDATE to all of need
  kCountAck,       // need −= from
  kMapRead,        // install read-only
  kMapWrite,       // install writable, or make the copy writable
  kUnmap,          // zap, if mapped
  kDropBit,        // own bit off, if on
  kGiveUpHolder,   // holder me → none
  kReturnToDead,   // holder me → partner, so that everybody sees that the page is lost
  kReturnPage,     // capture; zap; write home
  kDowngrade,      // write-protect; write home; own bit on, if off; holder me → none
  kPassHolder,     // capture; zap; holder me → from; own bit off, if on
  kReplyAck,       // ACK to from
  kReplyNack,      // NACK to from
  kReplyShared,    // GRANT_SHARED to from
  kGrantPartner,   // GRANT_EXCLUSIVE to partner
  kRefusePartner,  // NACK to partner
  kOweAck,         // partner := from
  kPayAck,         // ACK to partner, if one is owed
  kPoison,
  kKeepForLater,  // defer the request
  kServeLater,    // serve the deferred requests
  kHold,          // start the minimum hold
  kGiveError,     // accesses fail
  kActions
};

constexpr size_t kMaxActions = 6;
struct TableCell {
  Verdict verdict = Verdict::kImpossible;
  State next = State::kInvalid;
  uint8_t action_count = 0;
  std::array<uint8_t, kMaxActions> actions{};
  bool decided = false;
};

class Table {
 public:
  constexpr Table();
  constexpr const TableCell& at(State state, Event event) const {
    return cells_[static_cast<size_t>(state)][static_cast<size_t>(event)];
  }
  constexpr bool AllDecided() const {
    for (const auto& row : cells_) {
      for (const TableCell& cell : row) {
        if (!cell.decided) return false;
      }
    }
    return true;
  }

 private:
  template <typename... Actions>
  constexpr void Go(State state, Event event, State next, Actions... actions) {
    Decide(state, event, {Verdict::kStepped, next, sizeof...(actions), {actions...}, true});
  }
  constexpr void Say(Verdict verdict, Event event, std::initializer_list<State> states) {
    for (State state : states) Decide(state, event, {verdict, state, 0, {}, true});
  }
  constexpr void Decide(State state, Event event, TableCell cell) {
    TableCell& place = cells_[static_cast<size_t>(state)][static_cast<size_t>(event)];
    if (place.decided) throw "a cell is decided twice";  // compile-time only
    place = cell;
  }
  // Every cell of the column that is still open.
  constexpr void Rest(Verdict verdict, Event event) {
    for (size_t state = 0; state < kStates; ++state) {
      TableCell& place = cells_[state][static_cast<size_t>(event)];
      if (!place.decided) place = {verdict, static_cast<State>(state), 0, {}, true};
    }
  }

  std::array<std::array<TableCell, kEvents>, kStates> cells_{};
};

constexpr Table::Table() {
  using enum State;
  using E = Event;
  using enum Verdict;

  // Local accesses.
  Go(kInvalid, E::kRead, kReadChain, kPostRead);
  Say(kHit, E::kRead, {kShared, kExpiring, kExclusive});
  Rest(kWait, E::kRead);  // Step() makes it a hit where an upgrade keeps its copy

  Go(kInvalid, E::kWrite, kWriteChain, kPostWrite);
  Go(kShared, E::kWrite, kWriteChain, kPostWrite);
  Go(kExpiring, E::kWrite, kWriteChain, kUnmap, kDropBit, kPayAck, kPostWrite);
  Say(kHit, E::kWrite, {kExclusive});
  Rest(kWait, E::kWrite);

  // Eviction. The page goes home before the word says so: page, holder, own bit.
  Go(kShared, E::kEvict, kInvalid, kUnmap, kDropBit);
  Go(kExclusive, E::kEvict, kInvalid, kReturnPage, kGiveUpHolder, kDropBit);
  Say(kIgnored, E::kEvict, {kInvalid});
  Rest(kRefused, E::kEvict);

  // Results of the read chain.
  Go(kReadChain, E::kReadFree, kShared, kMapRead);
  Go(kReadChain, E::kReadFreeOwed, kExpiring, kMapRead, kHold);  // R8: one access first
  Go(kReadChain, E::kReadHeld, kReadFetch, kPayAck, kAskShared);
  Go(kReadChain, E::kReadHeldAhead, kInvalid, kDropBit, kPayAck);
  Go(kReadChain, E::kReadLost, kInvalid, kDropBit, kPayAck, kGiveError);
  for (Event event :
       {E::kReadFree, E::kReadFreeOwed, E::kReadHeld, E::kReadHeldAhead, E::kReadLost}) {
    Rest(kImpossible, event);
  }

  // Results of the write chain.
  Go(kWriteChain, E::kWonAlone, kExclusive, kMapWrite, kHold);
  Go(kWriteChain, E::kWonShared, kAwaitAcks, kCountSharers, kTellSharers);
  Go(kWriteChain, E::kWonSharedAhead, kInvalid, kUnmap, kGiveUpHolder, kDropBit, kServeLater);
  Go(kWriteChain, E::kWonWithoutPage, kAwaitAcks, kCountSharers, kTellSharers, kPostPage);  // R5
  Go(kWriteChain, E::kBeaten, kWriteFetch, kAskExclusive);
  Go(kWriteChain, E::kBeatenAhead, kInvalid, kUnmap, kDropBit, kServeLater);
  Go(kWriteChain, E::kBeatenLost, kInvalid, kUnmap, kDropBit, kGiveError, kServeLater);
  Go(kWriteChain, E::kBeatenOrphan, kInvalid, kUnmap, kReturnToDead, kDropBit, kGiveError,
     kServeLater);
  for (Event event : {E::kWonAlone, E::kWonShared, E::kWonSharedAhead, E::kWonWithoutPage,
                      E::kBeaten, E::kBeatenAhead, E::kBeatenLost, E::kBeatenOrphan}) {
    Rest(kImpossible, event);
  }
  Go(kAwaitAcks, E::kPageArrived, kAwaitAcks);
  Go(kAwaitAcks, E::kPageArrivedLast, kExclusive, kMapWrite, kHold);
  Rest(kImpossible, E::kPageArrived);
  Rest(kImpossible, E::kPageArrivedLast);

  // Answers of the holder.
  Go(kReadFetch, E::kGrantShared, kShared, kMapRead);
  Rest(kImpossible, E::kGrantShared);
  Go(kReadFetch, E::kGrantPoisoned, kReadChain, kPostRead);
  Rest(kImpossible, E::kGrantPoisoned);
  Go(kWriteFetch, E::kGrantExclusive, kExclusive, kMapWrite, kHold);
  Rest(kImpossible, E::kGrantExclusive);
  Go(kReadFetch, E::kNack, kReadChain, kPostRead);
  Go(kWriteFetch, E::kNack, kWriteChain, kPostWrite);
  Rest(kImpossible, E::kNack);

  // Answers of the sharers. A node that gave up when the home died still gets them.
  Go(kAwaitAcks, E::kAck, kAwaitAcks, kCountAck);
  Rest(kIgnored, E::kAck);
  Go(kAwaitAcks, E::kAckLast, kExclusive, kCountAck, kMapWrite, kHold);
  Rest(kImpossible, E::kAckLast);

  // INVALIDATE. Bits are kept in posting order (R4): one that is being cleared can still bring an
  // INVALIDATE to kInvalid, which only answers (R2).
  Go(kInvalid, E::kInvalidate, kInvalid, kReplyAck);
  Go(kReadChain, E::kInvalidate, kReadChain, kOweAck);             // R8
  Go(kReadFetch, E::kInvalidate, kReadFetch, kPoison, kReplyAck);  // R6
  Go(kWriteChain, E::kInvalidate, kWriteChain, kUnmap, kDropBit, kReplyAck);
  Go(kWriteFetch, E::kInvalidate, kWriteFetch, kUnmap, kDropBit, kReplyAck);
  Go(kShared, E::kInvalidate, kInvalid, kUnmap, kDropBit, kReplyAck);
  Rest(kImpossible, E::kInvalidate);
  Go(kShared, E::kInvalidateHeld, kExpiring, kOweAck, kHold);
  Rest(kImpossible, E::kInvalidateHeld);
  // Messages of one node arrive in order: its GRANT comes after its INVALIDATE, hence is newer.
  Go(kReadFetch, E::kInvalidateByPartner, kReadFetch, kReplyAck);
  Rest(kImpossible, E::kInvalidateByPartner);

  // FETCH. Only the holder has data to give (R7); everybody answers (R9).
  for (State state : {kWriteChain, kWriteFetch, kAwaitAcks}) {
    Go(state, E::kFetchShared, state, kKeepForLater);
    Go(state, E::kFetchExclusive, state, kKeepForLater);
    Go(state, E::kFetchRefused, state, kReplyNack);
  }
  Go(kExclusive, E::kFetchShared, kShared, kDowngrade, kReplyShared);  // R3: see kSendGrantShared
  Go(kExclusive, E::kFetchExclusive, kHandOver, kPassHolder);          // R1
  Go(kExclusive, E::kFetchHeld, kExclusive, kKeepForLater, kHold);
  Go(kExclusive, E::kFetchRefused, kExclusive, kReplyNack);
  for (State state : {kInvalid, kReadChain, kReadFetch, kShared, kExpiring, kHandOver}) {
    Go(state, E::kFetchShared, state, kReplyNack);
    Go(state, E::kFetchExclusive, state, kReplyNack);
  }
  Rest(kImpossible, E::kFetchHeld);
  Rest(kImpossible, E::kFetchRefused);

  Go(kExpiring, E::kHoldOver, kInvalid, kUnmap, kDropBit, kPayAck);
  Go(kExclusive, E::kHoldOver, kExclusive, kServeLater);
  Rest(kIgnored, E::kHoldOver);
  Go(kHandOver, E::kHandedOver, kInvalid, kGrantPartner);  // R1: only now
  Rest(kImpossible, E::kHandedOver);

  // Failures.
  // The holder word says whether the page died with the node that was asked.
  Go(kReadFetch, E::kPartnerFailed, kReadChain, kPostRead);
  Go(kWriteFetch, E::kPartnerFailed, kWriteChain, kPostWrite);
  Rest(kImpossible, E::kPartnerFailed);
  Go(kReadChain, E::kChainFailed, kInvalid, kPayAck, kGiveError);
  Go(kWriteChain, E::kChainFailed, kInvalid, kUnmap, kGiveError, kServeLater);
  Go(kAwaitAcks, E::kChainFailed, kInvalid, kUnmap, kGiveError, kServeLater);
  Go(kHandOver, E::kChainFailed, kInvalid, kRefusePartner, kGiveError);
  Rest(kImpossible, E::kChainFailed);
  Rest(kIgnored, E::kIrrelevant);
}

constexpr Table kTable;
static_assert(kTable.AllDecided(), "every cell of the protocol table is decided");

NodeId TakePartner(PageState& page) {
  const NodeId partner = page.partner;
  page.partner = NodeId::None();
  return partner;
}

void Unmap(PageState& page, Effects& effects) {
  if (!page.mapped) return;
  effects.push_back({EffectKind::kZap, {}});
  page.mapped = false;
}

void DropBit(PageState& page, Effects& effects) {
  if (!page.own_bit) return;
  effects.push_back({EffectKind::kClearBit, {}});
  page.own_bit = false;
}

// The dead node because of which accesses fail.
NodeId Culprit(const PageState& page, const Stimulus& stimulus) {
  if (stimulus.holder_self && page.partner.valid()) return page.partner;
  return stimulus.holder.valid() ? stimulus.holder : stimulus.from;
}

void Carry(Action action, PageState& page, NodeSet* need, const Stimulus& stimulus,
           Effects& effects) {
  using enum EffectKind;
  switch (action) {
    case kPostRead:
      effects.push_back({page.own_bit ? kPostReadChainBitOn : kPostReadChain, {}});
      page.own_bit = true;
      page.poisoned = false;
      page.partner = NodeId::None();
      return;
    case kPostWrite:
      effects.push_back({page.mapped ? kPostWriteChainNoPage : kPostWriteChain, {}});
      page.page_here = !page.mapped;
      page.poisoned = false;
      // A partner that has died is remembered: it may have passed the holder word on.
      if (stimulus.input != Input::kPeerFailed) page.partner = NodeId::None();
      return;
    case kPostPage:
      effects.push_back({kPostPageRead, {}});
      page.page_here = false;
      return;
    case kAskShared:
    case kAskExclusive:
      effects.push_back(
          {action == kAskShared ? kSendFetchShared : kSendFetchExclusive, stimulus.holder});
      page.partner = stimulus.holder;
      page.poisoned = false;
      page.page_here = false;
      return;
    case kCountSharers:
      *need = stimulus.sharers != nullptr ? *stimulus.sharers : NodeSet();
      return;
    case kTellSharers:
      effects.push_back({kSendInvalidates, {}});
      return;
    case kCountAck:
      need->erase(stimulus.from);
      return;
    case kMapRead:
      effects.push_back({kInstallReadOnly, {}});
      page.mapped = true;
      page.poisoned = false;
      if (stimulus.input == Input::kGrantShared) page.partner = NodeId::None();
      return;
    case kMapWrite:
      effects.push_back({page.mapped ? kMakeWritable : kInstallWritable, {}});
      page.mapped = true;
      page.page_here = false;
      page.partner = NodeId::None();
      return;
    case kUnmap:
      Unmap(page, effects);
      return;
    case kDropBit:
      DropBit(page, effects);
      return;
    case kGiveUpHolder:
      effects.push_back({kReleaseHolder, {}});
      return;
    case kReturnToDead:
      effects.push_back({kReturnHolder, page.partner});
      return;
    case kReturnPage:
      effects.push_back({kCapture, {}});
      Unmap(page, effects);
      effects.push_back({kWriteBack, {}});
      return;
    case kDowngrade:
      effects.push_back({kWriteProtect, {}});
      effects.push_back({kWriteBack, {}});
      if (!page.own_bit) effects.push_back({kSetBit, {}});
      page.own_bit = true;
      effects.push_back({kReleaseHolder, {}});
      return;
    case kPassHolder:
      effects.push_back({kCapture, {}});
      Unmap(page, effects);
      effects.push_back({kTransferHolder, stimulus.from});
      DropBit(page, effects);
      page.partner = stimulus.from;
      return;
    case kReplyAck:
      effects.push_back({kSendAck, stimulus.from});
      return;
    case kReplyNack:
      effects.push_back({kSendNack, stimulus.from});
      return;
    case kReplyShared:
      effects.push_back({kSendGrantShared, stimulus.from});
      return;
    case kGrantPartner:
      effects.push_back({kSendGrantExclusive, TakePartner(page)});
      return;
    case kRefusePartner:
      effects.push_back({kSendNack, TakePartner(page)});
      return;
    case kOweAck:
      page.partner = stimulus.from;
      return;
    case kPayAck:
      if (page.partner.valid()) effects.push_back({kSendAck, TakePartner(page)});
      return;
    case kPoison:
      page.poisoned = true;
      return;
    case kKeepForLater:
      effects.push_back({kDefer, stimulus.from});
      return;
    case kServeLater:
      effects.push_back({kServeDeferred, {}});
      return;
    case kHold:
      effects.push_back({kStartHold, {}});
      return;
    case kGiveError:
      effects.push_back({kFail, Culprit(page, stimulus)});
      if (stimulus.input == Input::kChainFailed) page.own_bit = false;
      return;
    case kNone:
    case kActions:
      return;
  }
}

Event ClassifyWriteResult(const PageState& page, const Stimulus& stimulus) {
  if (stimulus.holder.valid()) {
    if (stimulus.holder_self && page.partner.valid()) return Event::kBeatenOrphan;
    if (stimulus.holder_failed || stimulus.holder_self) return Event::kBeatenLost;
    return stimulus.ahead ? Event::kBeatenAhead : Event::kBeaten;
  }
  const bool alone = stimulus.sharers == nullptr || stimulus.sharers->empty();
  if (!alone && stimulus.ahead) return Event::kWonSharedAhead;
  if (!page.mapped && !page.page_here) return Event::kWonWithoutPage;
  return alone ? Event::kWonAlone : Event::kWonShared;
}

// R8: a node on its way into exclusive serves after its own access.
bool WouldDefer(const PageState& page, const Stimulus& stimulus) {
  switch (page.state) {
    case State::kWriteChain:
    case State::kWriteFetch:
    case State::kAwaitAcks:
      return true;
    case State::kExclusive:
      return stimulus.held;
    default:
      return false;
  }
}

bool HasPage(const PageState& page) { return page.mapped || page.page_here; }

bool OnlyMissing(const NodeSet* need, NodeId node) {
  NodeSet rest = *need;
  rest.erase(node);
  return rest.empty();
}

// Answers come from those who were asked, and of two that want a copy dropped the first waits for
// its ACK before there can be a second.
bool FromWhomItMay(const PageState& page, const NodeSet* need, const Stimulus& stimulus) {
  switch (stimulus.input) {
    case Input::kGrantShared:
    case Input::kGrantExclusive:
    case Input::kNack:
      return page.partner == stimulus.from;
    case Input::kAck:
      return page.state != State::kAwaitAcks || need->contains(stimulus.from);
    case Input::kInvalidate:
      return page.state != State::kReadChain || !page.partner.valid() ||
             page.partner == stimulus.from;
    default:
      return true;
  }
}

}  // namespace

Event Classify(const PageState& page, const NodeSet* need, const Stimulus& stimulus) {
  switch (stimulus.input) {
    case Input::kRead:
      return Event::kRead;
    case Input::kWrite:
      return Event::kWrite;
    case Input::kEvict:
      return Event::kEvict;
    case Input::kReadResult:
      if (!stimulus.holder.valid()) {
        return page.partner.valid() ? Event::kReadFreeOwed : Event::kReadFree;
      }
      if (stimulus.holder_failed || stimulus.holder_self) return Event::kReadLost;
      return stimulus.ahead ? Event::kReadHeldAhead : Event::kReadHeld;
    case Input::kWriteResult:
      return ClassifyWriteResult(page, stimulus);
    case Input::kPageArrived:
      return need != nullptr && need->empty() ? Event::kPageArrivedLast : Event::kPageArrived;
    case Input::kGrantShared:
      return page.poisoned ? Event::kGrantPoisoned : Event::kGrantShared;
    case Input::kGrantExclusive:
      return Event::kGrantExclusive;
    case Input::kNack:
      return Event::kNack;
    case Input::kAck:
      return page.state == State::kAwaitAcks && HasPage(page) && OnlyMissing(need, stimulus.from)
                 ? Event::kAckLast
                 : Event::kAck;
    case Input::kInvalidate:
      if (page.state == State::kReadFetch && page.partner == stimulus.from) {
        return Event::kInvalidateByPartner;
      }
      return page.state == State::kShared && stimulus.held ? Event::kInvalidateHeld
                                                           : Event::kInvalidate;
    case Input::kFetchShared:
    case Input::kFetchExclusive:
      if (WouldDefer(page, stimulus)) {
        if (!stimulus.can_defer) return Event::kFetchRefused;
        if (page.state == State::kExclusive) return Event::kFetchHeld;
      }
      return stimulus.input == Input::kFetchShared ? Event::kFetchShared : Event::kFetchExclusive;
    case Input::kHoldOver:
      return Event::kHoldOver;
    case Input::kHandedOver:
      return Event::kHandedOver;
    case Input::kPeerFailed:
      if ((page.state == State::kReadFetch || page.state == State::kWriteFetch) &&
          page.partner == stimulus.from) {
        return Event::kPartnerFailed;
      }
      if (page.state == State::kAwaitAcks && need->contains(stimulus.from)) {
        return HasPage(page) && OnlyMissing(need, stimulus.from) ? Event::kAckLast : Event::kAck;
      }
      return Event::kIrrelevant;
    case Input::kChainFailed:
      return Event::kChainFailed;
  }
  return Event::kIrrelevant;
}

Verdict Step(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  const Event event = Classify(page, need, stimulus);
  const TableCell& cell = kTable.at(page.state, event);
  if (event == Event::kRead && page.mapped) return Verdict::kHit;
  if (event == Event::kEvict && stimulus.held) return Verdict::kRefused;
  if (!FromWhomItMay(page, need, stimulus)) return Verdict::kImpossible;
  if (cell.verdict != Verdict::kStepped) return cell.verdict;
  if (event == Event::kPageArrived) page.page_here = true;
  for (size_t index = 0; index < cell.action_count; ++index) {
    Carry(static_cast<Action>(cell.actions[index]), page, need, stimulus, effects);
  }
  page.state = cell.next;
  if (page.state == State::kInvalid) {
    page.partner = NodeId::None();
    page.page_here = false;
    page.poisoned = false;
  }
  return Verdict::kStepped;
}

CellView Cell(State state, Event event) {
  const TableCell& cell = kTable.at(state, event);
  return {cell.verdict, cell.next, std::span(cell.actions.data(), cell.action_count)};
}

const char* ActionName(uint8_t action) {
  static constexpr std::array<const char*, kActions> kNames = {
      "",
      "read chain",
      "write chain",
      "READ page",
      "FETCH_SHARED",
      "FETCH_EXCLUSIVE",
      "need := sharers",
      "INVALIDATE each",
      "need −= source",
      "map read-only",
      "map writable",
      "zap",
      "−bit",
      "−holder",
      "holder → partner",
      "zap, page home",
      "protect, page home, +bit, −holder",
      "zap, holder → requester, −bit",
      "ACK",
      "NACK",
      "GRANT_SHARED",
      "GRANT_EXCLUSIVE",
      "NACK partner",
      "owe ACK",
      "pay ACK",
      "poison",
      "defer",
      "serve deferred",
      "hold",
      "fail",
  };
  return action < kNames.size() ? kNames[action] : "?";
}

}  // namespace farpage::directory
