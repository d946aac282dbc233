// The chains that a page awaits, and what their ends mean.
#include <utility>

#include "runtime/engine/chain_builder.h"
#include "runtime/engine/engine.h"
#include "runtime/fatal.h"

namespace farpage::internal {

using directory::EffectKind;
using directory::EntryLayout;
using directory::Input;
using directory::Stimulus;
using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

std::optional<Stimulus> Engine::Await(Page& page, Slot& slot, std::span<const Operation> operations,
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
  const PageId id = slot.page.load(std::memory_order_relaxed);
  Region& region = *engine.space_.Find(id);
  Page page = engine.Lock(region, id.value - region.first_page.value);
  engine.Feed(page, engine.ResultOf(page, slot, fate));
  engine.Unlock(page);
}

// What an awaited chain's end means to the protocol.
Stimulus Engine::ResultOf(const Page& page, Slot& slot, Fate fate) {
  const Slot::Awaiting awaited = std::exchange(slot.awaiting, Slot::Awaiting::kNothing);
  if (fate != Fate::kOk) return {.input = Input::kChainFailed, .from = page.home};
  switch (awaited) {
    case Slot::Awaiting::kReadChain:
      return LookAgain(ReadStimulus(slot.results()[0]), &slot);
    case Slot::Awaiting::kWriteChain:
      return LookAgain(WriteStimulus(slot.results()[0], slot.results(), &slot.need), &slot);
    case Slot::Awaiting::kPage:
      return {.input = Input::kPageArrived};
    case Slot::Awaiting::kHandOver:
      return {.input = Input::kHandedOver};
    case Slot::Awaiting::kNothing:
      break;
  }
  Fatal("a chain ended that nobody posted");
}

// A chain may have read the holder word long before that holder passed the page on, and died. Only
// one that was posted after the death was known tells that the page is lost: until then the dead
// holder is asked like any other, and its silence makes the page look at the word once more.
Stimulus Engine::LookAgain(Stimulus stimulus, Slot* slot) {
  if (!stimulus.holder_failed) return stimulus;
  if (slot != nullptr && std::exchange(slot->dead_holder, stimulus.holder) == stimulus.holder) {
    return stimulus;
  }
  stimulus.holder_failed = false;
  return stimulus;
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
  const uint32_t beyond = cluster_.size() % 64;
  if (beyond != 0 && entry[layout_.bit_words()] >> beyond != 0) {
    Fatal("node %u: sharer bits read %llx in a cluster of %u nodes; the directory is damaged",
          cluster_.self().value(), static_cast<unsigned long long>(entry[layout_.bit_words()]),
          cluster_.size());
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
  const bool write =
      kind == EffectKind::kPostWriteChain || kind == EffectKind::kPostWriteChainNoPage;
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
                                           directory::EncodeHolder(cluster_.self()), slot.results(),
                                           key));
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

}  // namespace farpage::internal
