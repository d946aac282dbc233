// What the protocol's effects do.
#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/engine/engine.h"
#include "runtime/fatal.h"

namespace farpage::internal {

using directory::Effect;
using directory::EffectKind;
using directory::Effects;
using directory::EntryLayout;
using directory::HolderChange;
using directory::Input;
using directory::State;
using directory::Stimulus;
using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

// Collects operations to a page's home, which go out as one chain.
class Engine::ChainBuilder {
 public:
  void Append(const Operation& operation) { operations_[count_++] = operation; }
  std::span<const Operation> operations() const { return {operations_.data(), count_}; }
  bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }

 private:
  std::array<Operation, 6> operations_;
  size_t count_ = 0;
};

RemoteAddress Engine::EntryAt(const Page& page) const {
  return page.region.entries.remote[page.home.value()] +
         page.region.homes.IndexAtHome(page.index) * layout_.bytes();
}

RemoteAddress Engine::FrameAt(const Page& page) const {
  return page.region.frames.remote[page.home.value()] +
         page.region.homes.IndexAtHome(page.index) * kPageBytes;
}

std::optional<Stimulus> Engine::Execute(Page& page, const Effects& effects,
                                        const Stimulus& stimulus) {
  const NodeId self = cluster_.self();
  const RemoteAddress entry = EntryAt(page);
  const RemoteAddress own_bit_word = entry + EntryLayout::BitOffset(self);
  const uint64_t own_bit = EntryLayout::BitValue(self);
  const auto add = [](RemoteAddress word, uint64_t value) {
    return Operation::FetchAndAdd(word, value, nullptr, {});
  };
  ChainBuilder chain;
  bool captured = false;
  bool awaited = false;
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case EffectKind::kSetBit: chain.Append(add(own_bit_word, own_bit)); break;
      case EffectKind::kClearBit: chain.Append(add(own_bit_word, 0 - own_bit)); break;
      case EffectKind::kReleaseHolder:
        chain.Append(add(entry, HolderChange(self, NodeId::None())));
        break;
      case EffectKind::kTransferHolder:
        chain.Append(add(entry, HolderChange(self, effect.peer)));
        awaited = true;
        break;
      case EffectKind::kReturnHolder:
        chain.Append(add(entry, HolderChange(self, effect.peer)));
        break;
      case EffectKind::kWriteBack: AppendWriteBack(page, chain, captured); break;
      case EffectKind::kCapture:
        Capture(page);
        captured = true;
        break;
      case EffectKind::kZap: Zap(page); break;
      case EffectKind::kWriteProtect:
        pager_.WriteProtect(page.address(), 1);
        counters_.Add(Counter::downgrades);
        break;
      case EffectKind::kInstallReadOnly: Install(page, Access::kRead, stimulus.input); break;
      case EffectKind::kInstallWritable: Install(page, Access::kWrite, stimulus.input); break;
      case EffectKind::kMakeWritable:
        pager_.MakeWritable(page.address(), 1);
        page.record.installed_at = CoarseNow();
        break;
      case EffectKind::kStartHold: StartHold(page); break;
      case EffectKind::kDefer: Defer(page); break;
      case EffectKind::kServeDeferred: page.serve_deferred = true; break;
      case EffectKind::kFail: page.failed = effect.peer; break;
      case EffectKind::kPostReadChain:
      case EffectKind::kPostReadChainBitOn:
      case EffectKind::kPostWriteChain:
      case EffectKind::kPostWriteChainNoPage:
      case EffectKind::kPostPageRead:
        Flush(page, chain);
        return PostMissChain(page, effect.kind);
      default:  // messages: what was posted to the home before them goes out before them
        Flush(page, chain);
        SendEffect(page, effect);
        break;
    }
  }
  if (awaited) return AwaitHandOver(page, chain);
  Flush(page, chain);
  return std::nullopt;
}

// Posts without waiting. A chain that reads a slot's landing page keeps the slot until it has ended.
void Engine::Flush(Page& page, ChainBuilder& chain) {
  if (chain.empty()) return;
  CountAtomics(chain.operations());
  const bool reads_buffer =
      std::any_of(chain.operations().begin(), chain.operations().end(),
                  [](const Operation& operation) { return operation.local != nullptr; });
  PostDraining(page.home, chain.operations(), reads_buffer ? page.serve : nullptr);
  chain.clear();
}

void Engine::CountAtomics(std::span<const Operation> operations) {
  counters_.Add(Counter::fabric_atomics,
                static_cast<uint64_t>(std::count_if(
                    operations.begin(), operations.end(), [](const Operation& operation) {
                      return operation.code == transport::OpCode::kFetchAndAdd ||
                             operation.code == transport::OpCode::kCompareAndSwap;
                    })));
}

void Engine::PostDraining(NodeId peer, std::span<const Operation> operations, Slot* slot) {
  if (slot == nullptr || inline_) {
    fabric_.Post(peer, operations, nullptr);  // a failed peer shows elsewhere
    return;
  }
  // The page is locked, and each serving posts at most once to the home and once to a requester.
  Drain& drain = slot->drains[peer == DrainHome(*slot) ? 0 : 1];
  drain.done = &Engine::OnDrainEnd;
  slot->users.fetch_add(1, std::memory_order_relaxed);
  if (fabric_.Post(peer, operations, &drain) != Fate::kPending) slots_->Release(slot);
}

NodeId Engine::DrainHome(const Slot& slot) const {
  const Region* region = space_.Find(slot.page);
  return region->homes.HomeOf(slot.page.value - region->first_page.value);
}

void Engine::OnDrainEnd(PostedChain* chain, Fate /*fate*/) {
  Slot* slot = static_cast<Drain*>(chain)->slot;
  slot->engine->slots_->Release(slot);
}

std::optional<Stimulus> Engine::AwaitHandOver(Page& page, ChainBuilder& chain) {
  Slot* slot = page.serve;
  Attach(page, slot);  // the page keeps the captured content until the grant is on its way
  page.serve = nullptr;
  slot->request = *page.request;
  counters_.Add(Counter::hand_overs);
  return Await(page, *slot, chain.operations(), Slot::Awaiting::kHandOver);
}

std::optional<Stimulus> Engine::Await(Page& page, Slot& slot,
                                      std::span<const Operation> operations,
                                      Slot::Awaiting awaiting) {
  CountAtomics(operations);
  slot.awaiting = awaiting;
  slot.done = &Engine::OnChainEnd;
  const Fate fate = fabric_.Post(page.home, operations, &slot);
  if (fate == Fate::kPending) return std::nullopt;
  return ResultOf(page, slot, fate);
}

void Engine::OnChainEnd(PostedChain* chain, Fate fate) {
  Slot& slot = *static_cast<Slot*>(chain);
  Engine& engine = *slot.engine;
  Region& region = *engine.space_.Find(slot.page);
  Page page = engine.Lock(region, slot.page.value - region.first_page.value);
  engine.Feed(page, engine.ResultOf(page, slot, fate));
  engine.Unlock(page);
}

// What an awaited chain's end means to the protocol.
Stimulus Engine::ResultOf(const Page& page, Slot& slot, Fate fate) {
  const Slot::Awaiting awaited = std::exchange(slot.awaiting, Slot::Awaiting::kNothing);
  if (fate != Fate::kOk) return {.input = Input::kChainFailed, .from = page.home};
  switch (awaited) {
    case Slot::Awaiting::kReadChain: return ReadStimulus(slot.results()[0]);
    case Slot::Awaiting::kWriteChain: {
      Stimulus stimulus = WriteStimulus(slot.results()[0], slot.results(), &slot.need);
      return stimulus;
    }
    case Slot::Awaiting::kPage: return {.input = Input::kPageArrived};
    case Slot::Awaiting::kHandOver: return {.input = Input::kHandedOver};
    case Slot::Awaiting::kNothing: break;
  }
  Fatal("a chain ended that nobody posted");
}

Stimulus Engine::ReadStimulus(uint64_t holder_word) const {
  Stimulus stimulus{.input = Input::kReadResult, .holder = CheckedHolder(holder_word)};
  stimulus.holder_failed =
      stimulus.holder.valid() && fabric_.transport().peer_failed(stimulus.holder);
  stimulus.holder_self = stimulus.holder == cluster_.self();
  return stimulus;
}

// `entry` is [anything, bit words …]; the sharers are put into `sharers`.
Stimulus Engine::WriteStimulus(uint64_t swapped, const uint64_t* entry,
                               directory::NodeSet* sharers) const {
  Stimulus stimulus{.input = Input::kWriteResult, .holder = CheckedHolder(swapped)};
  if (stimulus.holder.valid()) {
    stimulus.holder_failed = fabric_.transport().peer_failed(stimulus.holder);
    stimulus.holder_self = stimulus.holder == cluster_.self();
    return stimulus;
  }
  *sharers = layout_.Sharers(entry);
  sharers->erase(cluster_.self());
  if (!sharers->empty()) {
    const directory::NodeSet all = *sharers;
    all.ForEach([&](NodeId node) {
      if (fabric_.transport().peer_failed(node)) sharers->erase(node);
    });
  }
  stimulus.sharers = sharers;
  return stimulus;
}

NodeId Engine::CheckedHolder(uint64_t word) const {
  const NodeId holder = directory::DecodeHolder(word);
  if (!directory::IsHolderWord(word, cluster_.size())) {
    Fatal("node %u: a holder word reads %llx, which cannot be; the directory is damaged",
          cluster_.self().value(), static_cast<unsigned long long>(word));
  }
  return holder;
}

std::optional<Stimulus> Engine::PostMissChain(Page& page, EffectKind kind) {
  Slot& slot = *SlotOf(page.record);
  const RemoteAddress entry = EntryAt(page);
  const transport::LocalKey key = slot.result_buffer.key;
  const bool write = kind == EffectKind::kPostWriteChain ||
                     kind == EffectKind::kPostWriteChainNoPage;
  const bool page_wanted = kind != EffectKind::kPostWriteChainNoPage;
  ++slot.chains;
  counters_.Add(Counter::miss_chains);
  if (slot.chains > 1 && kind != EffectKind::kPostPageRead) counters_.Add(Counter::retries);

  ChainBuilder chain;
  Slot::Awaiting awaiting = write ? Slot::Awaiting::kWriteChain : Slot::Awaiting::kReadChain;
  if (kind == EffectKind::kPostPageRead) {
    awaiting = Slot::Awaiting::kPage;
  } else if (write) {
    chain.Append(Operation::CompareAndSwap(entry, directory::kNoHolder,
                                           directory::EncodeHolder(cluster_.self()),
                                           slot.results(), key));
    chain.Append(Operation::Read(slot.results() + 1, key, entry + 8, 8 * layout_.bit_words()));
  } else {
    if (kind == EffectKind::kPostReadChain) {
      chain.Append(Operation::FetchAndAdd(entry + EntryLayout::BitOffset(cluster_.self()),
                                          EntryLayout::BitValue(cluster_.self()), nullptr, {}));
      }
    chain.Append(Operation::Read(slot.results(), key, entry, 8));
  }
  if (page_wanted && !ReadsFrameInPlace(page)) {
    chain.Append(Operation::Read(slot.landing.data, slot.landing.key, FrameAt(page),
                                 static_cast<uint32_t>(kPageBytes)));
  }
  if (page_wanted && page.home != cluster_.self()) {
    counters_.Add(Counter::read_bytes, kPageBytes);
  }
  slot.awaiting = awaiting;
  if (chain.empty()) return ResultOf(page, slot, Fate::kOk);
  return Await(page, slot, chain.operations(), awaiting);
}

// Stops local writers and puts the page's content into the serving slot, where the transport can
// send it from. Frames mapped in place are sent from where they are.
void Engine::Capture(Page& page) {
  if (InPlace(page)) return;
  pager_.WriteProtect(page.address(), 1);
  std::memcpy(page.serve->landing.data, pager_.View(page.address()), kPageBytes);
}

void Engine::AppendWriteBack(Page& page, ChainBuilder& chain, bool captured) {
  if (InPlace(page)) return;
  Slot& slot = *page.serve;
  const std::byte* source = slot.landing.data;
  if (!captured) {
    if (inline_) {
      source = pager_.View(page.address());
    } else {
      std::memcpy(slot.landing.data, pager_.View(page.address()), kPageBytes);
    }
  }
  chain.Append(Operation::Write(source, slot.landing.key, FrameAt(page),
                                static_cast<uint32_t>(kPageBytes)));
  if (page.home != cluster_.self()) counters_.Add(Counter::write_bytes, kPageBytes);
}

// The page goes ahead of the GRANT on the same connection, so it has arrived when the GRANT is seen.
void Engine::SendPage(Page& page, Slot& slot, const Request& to) {
  Operation write = Operation::Write(slot.landing.data, slot.landing.key, to.landing,
                                     static_cast<uint32_t>(kPageBytes));
  if (InPlace(page)) {
    const uint64_t offset = page.region.homes.IndexAtHome(page.index) * kPageBytes;
    write.local = page.region.frames.own->data() + offset;
    write.local_key = page.region.frames.own->local_key();
  }
  counters_.Add(Counter::write_bytes, kPageBytes);
  PostDraining(to.from, {&write, 1}, &slot);
}

void Engine::SendEffect(Page& page, const Effect& effect) {
  switch (effect.kind) {
    case EffectKind::kSendAck: Send(page, effect.peer, Input::kAck); return;
    case EffectKind::kSendNack:
      counters_.Add(Counter::refusals_sent);
      Send(page, effect.peer, Input::kNack);
      return;
    case EffectKind::kSendFetchShared:
    case EffectKind::kSendFetchExclusive:
      ++SlotOf(page.record)->messages;
      counters_.Add(Counter::fetches_sent);
      Send(page, effect.peer,
           effect.kind == EffectKind::kSendFetchShared ? Input::kFetchShared
                                                       : Input::kFetchExclusive);
      return;
    case EffectKind::kSendInvalidates:
      SlotOf(page.record)->need.ForEach([&](NodeId node) {
        ++SlotOf(page.record)->messages;
        counters_.Add(Counter::invalidations_sent);
        Send(page, node, Input::kInvalidate);
      });
      return;
    case EffectKind::kSendGrantShared:
      // The home has the page already, and so has whoever can read the home's frames in place.
      if (effect.peer != page.home && !direct_) SendPage(page, *page.serve, *page.request);
      Send(page, effect.peer, Input::kGrantShared);
      return;
    case EffectKind::kSendGrantExclusive: {
      Slot& slot = *SlotOf(page.record);
      SendPage(page, slot, slot.request);
      Send(page, effect.peer, Input::kGrantExclusive);
      return;
    }
    default: Fatal("effect %s is not a message", directory::Name(effect.kind));
  }
}

// A peer that cannot be reached is dealt with by CheckFailures().
void Engine::Send(Page& page, NodeId peer, Input kind) {
  PageMessage message{kind, page.id(), {}};
  const bool asks = kind == Input::kFetchShared || kind == Input::kFetchExclusive;
  if (asks) message.landing = SlotOf(page.record)->landing.remote;
  fabric_.Send(peer, Encode(message));
}

bool Engine::ReadsFrameInPlace(const Page& page) const {
  return page.region.frame_views[page.home.value()] != nullptr;
}

void Engine::Install(Page& page, Access access, Input input) {
  const uint64_t offset = page.region.homes.IndexAtHome(page.index) * kPageBytes;
  const std::byte* landed = page.landed;
  if (landed == nullptr && page.record.slot_plus_one != 0) {
    landed = SlotOf(page.record)->landing.data;
  }
  const bool in_frame =
      input != Input::kGrantExclusive && ReadsFrameInPlace(page) &&
      (input != Input::kGrantShared || direct_ || page.home == cluster_.self());
  const std::byte* source = in_frame ? page.region.frame_views[page.home.value()] + offset : landed;
  counters_.Add(Counter::installed_pages);
  page.record.installed_at = CoarseNow();
  if (!InPlace(page)) {
    pager_.Install(page.address(), source, 1, access);
    NoteInstalled(page);
    return;
  }
  std::byte* frame = page.region.frames.own->data() + offset;
  if (source != frame) {
    std::memcpy(frame, source, kPageBytes);
  } else {
    static_cast<void>(*reinterpret_cast<volatile char*>(frame));  // the frame must exist
  }
  pager_.MapHome(page.address(), 1, access);
}

void Engine::Zap(Page& page) {
  const bool in_place = InPlace(page);
  pager_.Zap(page.address(), 1, in_place);
  if (!in_place) cache_->AddPresent(-1);
}

uint32_t Engine::CoarseNow() const { return static_cast<uint32_t>(fabric_.NowNs() >> 8); }

bool Engine::Held(const Page& page) {
  const Slot* slot = SlotOf(page.record);
  if (page.record.pins > 0 || (slot != nullptr && slot->deferred_count > 0)) return true;
  const uint32_t age = CoarseNow() - page.record.installed_at;
  return age < static_cast<uint32_t>(options_.minimum_hold_ns >> 8);
}

void Engine::StartHold(Page& page) {
  const Slot* slot = SlotOf(page.record);
  const bool owes = page.record.state.partner.valid() ||
                    (slot != nullptr && slot->deferred_count > 0);
  if (!owes || page.record.pins > 0) return;  // nobody waits, or Unpin() will see to it
  if (!holds_.Push(page.id(), fabric_.NowNs() + options_.minimum_hold_ns)) page.hold_over = true;
}

void Engine::Defer(Page& page) {
  Slot& slot = *SlotOf(page.record);
  slot.deferred[slot.deferred_count++] = *page.request;
}

}  // namespace farpage::internal
