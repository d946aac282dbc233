// What the protocol's effects do.
#include <algorithm>

#include "runtime/engine/chain_builder.h"
#include "runtime/engine/engine.h"
#include "runtime/fatal.h"
#include "runtime/memory/view_reading.h"

namespace farpage::internal {

using directory::Effect;
using directory::EffectKind;
using directory::Effects;
using directory::EntryLayout;
using directory::HolderChange;
using directory::Input;
using directory::Stimulus;
using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

namespace {

bool IsFetch(EffectKind kind) {
  return kind == EffectKind::kSendFetchShared || kind == EffectKind::kSendFetchExclusive;
}

}  // namespace

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
  std::optional<Stimulus> next;
  for (const Effect& effect : effects) {
    switch (effect.kind) {
      case EffectKind::kSetBit:
        chain.Append(add(own_bit_word, own_bit));
        break;
      case EffectKind::kClearBit:
        chain.Append(add(own_bit_word, 0 - own_bit));
        break;
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
      case EffectKind::kWriteBack:
        AppendWriteBack(page, chain, captured);
        break;
      case EffectKind::kCapture:
        Capture(page);
        captured = true;
        break;
      case EffectKind::kZap:
        Zap(page);
        break;
      case EffectKind::kWriteProtect:
        pager_.WriteProtect(page.address(), 1);
        counters_.Add(Counter::downgrades);
        break;
      case EffectKind::kInstallReadOnly:
        Install(page, Access::kRead, stimulus.input);
        break;
      case EffectKind::kInstallWritable:
        Install(page, Access::kWrite, stimulus.input);
        break;
      case EffectKind::kMakeWritable:
        pager_.MakeWritable(page.address(), 1);
        page.record.installed_at = CoarseNow();
        break;
      case EffectKind::kStartHold:
        StartHold(page);
        break;
      case EffectKind::kDefer:
        Defer(page);
        break;
      case EffectKind::kServeDeferred:
        page.serve_deferred = true;
        break;
      case EffectKind::kFail:
        // Who waits for the page may be another thread than the one that learns of its loss.
        page.failed = effect.peer;
        page.record.lost = 1;
        page.record.installed_at = effect.peer.value();
        break;
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
        if (IsFetch(effect.kind) && fabric_.transport().peer_failed(effect.peer)) {
          next = Stimulus{.input = Input::kPeerFailed, .from = effect.peer};
        }
        break;
    }
  }
  if (awaited) return AwaitHandOver(page, chain);
  Flush(page, chain);
  return next;
}

// Posts without waiting. A chain that reads a slot's landing page keeps the slot until it has
// ended.
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
    const ViewReading reading;                // a write-back may be from the page itself
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
  const PageId page = slot.page.load(std::memory_order_relaxed);
  const Region* region = space_.Find(page);
  return region->homes.HomeOf(page.value - region->first_page.value);
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

bool Engine::ReadsFrameInPlace(const Page& page) const {
  return page.region.frame_views[page.home.value()] != nullptr;
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
  const bool owes =
      page.record.state.partner.valid() || (slot != nullptr && slot->deferred_count > 0);
  if (!owes || page.record.pins > 0) return;  // nobody waits, or Unpin() will see to it
  if (!holds_.Push(page.id(), fabric_.NowNs() + options_.minimum_hold_ns)) page.hold_over = true;
}

void Engine::Defer(Page& page) {
  Slot& slot = *SlotOf(page.record);
  slot.deferred[slot.deferred_count++] = *page.request;
}

}  // namespace farpage::internal
