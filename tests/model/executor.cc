#include "tests/model/executor.h"

#include <algorithm>

namespace farpage::model {

using directory::Effect;
using directory::EffectKind;
using directory::Effects;
using directory::Event;
using directory::Input;
using directory::NodeSet;
using directory::PageState;
using directory::State;
using directory::Stimulus;
using directory::Verdict;

namespace {

NodeSet ToNodeSet(uint8_t set) {
  NodeSet nodes;
  nodes.set_word(0, set);
  return nodes;
}

std::string Describe(const Effect& effect) {
  std::string text = Name(effect.kind);
  if (effect.peer.valid()) text += "(" + std::to_string(effect.peer.value()) + ")";
  return text;
}

// Effects that other nodes may notice as soon as they are carried out.
bool IsVisible(EffectKind kind) {
  using enum EffectKind;
  switch (kind) {
    case kInstallReadOnly:
    case kInstallWritable:
    case kMakeWritable:
    case kWriteProtect:
    case kCapture:
    case kZap:
    case kDefer:
    case kServeDeferred:
    case kStartHold:
    case kFail:
      return false;
    default:
      return true;
  }
}

// Effects that come too late after a visible one: local threads go on using the mapping until then.
bool EndsAccess(EffectKind kind) {
  return kind == EffectKind::kZap || kind == EffectKind::kWriteProtect ||
         kind == EffectKind::kCapture;
}

uint8_t Pack(const Effect& effect) {
  const uint32_t peer = effect.peer.valid() ? effect.peer.value() + 1u : 0u;
  return static_cast<uint8_t>(static_cast<uint32_t>(effect.kind) << 3 | peer);
}

Effect Unpack(uint8_t packed) {
  return {static_cast<EffectKind>(packed >> 3),
          (packed & 7) == 0 ? NodeId::None() : NodeId((packed & 7) - 1u)};
}

}  // namespace

PageState Executor::Load(const NodeView& view) {
  PageState page;
  page.state = view.state;
  page.own_bit = view.own_bit != 0;
  page.poisoned = view.poisoned != 0;
  page.mapped = view.mapped != 0;
  page.page_here = view.page_here != 0;
  page.partner = view.partner_plus_one == 0 ? NodeId::None() : NodeId(view.partner_plus_one - 1u);
  return page;
}

Verdict Executor::Feed(World& world, uint32_t node, const Stimulus& stimulus) {
  NodeView& view = world.nodes[node];
  PageState page = Load(view);
  NodeSet need = ToNodeSet(view.need);
  const Event event = Classify(page, &need, stimulus);
  ++coverage_[static_cast<size_t>(page.state)][static_cast<size_t>(event)];
  Effects effects;
  const Verdict verdict = step_(page, &need, stimulus, effects);
  if (log_ != nullptr) {
    Log(std::string("; ") + Name(event) + " in " + Name(view.state));
    if (verdict == Verdict::kStepped) Log(std::string(" → ") + Name(page.state));
    for (const Effect& effect : effects) Log(" " + Describe(effect));
  }
  if (verdict == Verdict::kImpossible) {
    Find(Property::kPossible, std::string(Name(event)) + " in " + Name(view.state));
  }
  const bool anybody_stopped = view.knows_stopped != 0 || world.home_stopped != 0;
  if (stimulus.input == Input::kAck && verdict == Verdict::kIgnored && !anybody_stopped) {
    Find(Property::kPossible, std::string("a stray ACK in ") + Name(view.state));
  }
  if (verdict != Verdict::kStepped) return verdict;
  view.state = page.state;
  view.own_bit = page.own_bit ? 1 : 0;
  view.poisoned = page.poisoned ? 1 : 0;
  view.mapped = page.mapped ? 1 : 0;
  view.page_here = page.page_here ? 1 : 0;
  view.partner_plus_one = (page.partner.valid() ? page.partner.value() + 1 : 0) & 0xF;
  view.need = static_cast<uint8_t>(need.word(0));
  Run(world, node, effects.begin(), effects.end(), stimulus.input);
  return verdict;
}

void Executor::Run(World& world, uint32_t node, const Effect* begin, const Effect* end,
                   Input input) {
  NodeView& view = world.nodes[node];
  bool visible = false;
  bool serve = false;
  for (const Effect* effect = begin; effect != end; ++effect) {
    if (visible && (variant_.fine || EndsAccess(effect->kind))) {
      for (; effect != end; ++effect) view.pending[view.pending_count++] = Pack(*effect);
      break;
    }
    serve = serve || effect->kind == EffectKind::kServeDeferred;
    Carry(world, node, *effect, input);
    visible = visible || IsVisible(effect->kind);
  }
  if (serve && fault_ != Fault::kDeferredForgotten) ServeDeferred(world, node);
}

void Executor::Continue(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  Effects effects;
  for (uint32_t index = 0; index < view.pending_count; ++index) {
    effects.push_back(Unpack(view.pending[index]));
    Log(" " + Describe(effects[index]));
  }
  view.pending = {};
  view.pending_count = 0;
  Run(world, node, effects.begin(), effects.end(), Input::kHoldOver);
}

void Executor::ServeDeferred(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  for (uint32_t count = view.deferred_count; count > 0; --count) {
    const uint8_t request = view.deferred[0];
    std::copy(view.deferred.begin() + 1, view.deferred.end(), view.deferred.begin());
    view.deferred.back() = 0;
    --view.deferred_count;
    Log("; deferred request of " + std::to_string(request / 2));
    Feed(world, node,
         {.input = request % 2 != 0 ? Input::kFetchExclusive : Input::kFetchShared,
          .from = NodeId(request / 2u)});
    if (view.pending_count != 0) {
      if (count > 1) view.pending[view.pending_count++] = Pack({EffectKind::kServeDeferred, {}});
      return;
    }
  }
}

void Executor::Carry(World& world, uint32_t node, const Effect& effect, Input input) {
  using enum EffectKind;
  NodeView& view = world.nodes[node];
  const bool in_place = variant_.InPlace(node);
  const auto peer = static_cast<uint32_t>(effect.peer.valid() ? effect.peer.value() : node);
  const auto page_now = [&] {
    if (view.captured != 0) return view.captured_current != 0;
    return in_place ? world.frame_current != 0 : view.copy_current != 0;
  };
  const auto expect = [&](bool fits) {
    if (!fits) {
      Find(Property::kPager,
           Describe(effect) + " by node " + std::to_string(node) + " does not fit the mapping");
    }
  };
  switch (effect.kind) {
    case kPostReadChain:
    case kPostReadChainBitOn:
    case kPostWriteChain:
    case kPostWriteChainNoPage:
    case kPostPageRead:
      StartChain(world, node, effect.kind);
      return;
    case kSetBit:
      Post(world, node, Op(OpKind::kSetBit, peer));
      return;
    case kClearBit:
      Post(world, node, Op(OpKind::kClearBit, peer));
      // Awaited together with the transfer before it.
      if (view.state == State::kHandOver && view.queued >= 2 &&
          view.queue[view.queued - 2u].last != 0) {
        view.queue[view.queued - 2u].last = 0;
        view.queue[view.queued - 1u].last = 1;
      }
      return;
    case kReleaseHolder:
      Post(world, node, Op(OpKind::kRelease));
      return;
    case kReturnHolder:
      Post(world, node, Op(OpKind::kTransfer, peer));
      return;
    case kTransferHolder: {
      const bool awaited = fault_ != Fault::kHandOverAtOnce;
      view.chain = awaited ? Chain::kInFlight : Chain::kDone;
      Op transfer(OpKind::kTransfer, peer);
      transfer.last = awaited ? 1 : 0;
      Post(world, node, transfer);
      return;
    }
    case kWriteBack: {
      Op write(OpKind::kWritePage);
      write.current = page_now() ? 1 : 0;
      if (!in_place) Post(world, node, write);
      return;
    }
    case kSendInvalidates:
      for (uint32_t other = 0; other < variant_.nodes; ++other) {
        if ((view.need >> other & 1) != 0) {
          Send(world, node, other, MessageKind::kInvalidate, false);
        }
      }
      return;
    case kSendAck:
      Send(world, node, peer, MessageKind::kAck, false);
      return;
    case kSendNack:
      Send(world, node, peer, MessageKind::kNack, false);
      return;
    case kSendFetchShared:
      Send(world, node, peer, MessageKind::kFetchShared, false);
      return;
    case kSendFetchExclusive:
      Send(world, node, peer, MessageKind::kFetchExclusive, false);
      return;
    case kSendGrantShared:
      // What could not be written home cannot be read there.
      if (variant_.direct && !CanReachHome(world, node) && fault_ != Fault::kGrantUnwritten) {
        Send(world, node, peer, MessageKind::kNack, false);
        return;
      }
      Send(world, node, peer, MessageKind::kGrantShared, page_now());
      return;
    case kSendGrantExclusive:
      Send(world, node, peer, MessageKind::kGrantExclusive, page_now());
      return;
    case kInstallReadOnly:
      expect(view.mapping == Mapping::kNone);
      Install(world, node, Mapping::kReadOnly, input);
      return;
    case kInstallWritable:
      expect(view.mapping == Mapping::kNone);
      Install(world, node, Mapping::kWritable, input);
      return;
    case kMakeWritable:
      expect(view.mapping == Mapping::kReadOnly);
      view.mapping = Mapping::kWritable;
      return;
    case kWriteProtect:
      expect(view.mapping == Mapping::kWritable);
      view.mapping = Mapping::kReadOnly;
      return;
    case kCapture:
      expect(view.mapping == Mapping::kWritable);
      view.mapping = Mapping::kReadOnly;
      view.captured_current = page_now() ? 1 : 0;
      view.captured = 1;
      return;
    case kZap:
      expect(view.mapping != Mapping::kNone);
      view.mapping = Mapping::kNone;
      view.copy_current = 0;
      return;
    case kDefer:
      if (view.deferred_count == view.deferred.size()) {
        Find(Property::kBounds, "more deferred requests than other nodes");
        return;
      }
      view.deferred[view.deferred_count++] =
          static_cast<uint8_t>(peer * 2 + (input == Input::kFetchExclusive ? 1 : 0));
      return;
    case kStartHold:
      view.hold = fault_ == Fault::kHoldForgotten ? 0 : 1;
      return;
    case kServeDeferred:
      return;  // by Run(), when the step is complete
    case kFail:
      view.waiting = 0;
      if (world.home_stopped == 0 && (peer == node || world.nodes[peer].stopped == 0)) {
        Find(Property::kJustFailures,
             "an access of node " + std::to_string(node) + " fails without a dead node");
      }
      return;
  }
}

void Executor::StartChain(World& world, uint32_t node, EffectKind kind) {
  NodeView& view = world.nodes[node];
  view.chain = Chain::kInFlight;
  view.found_plus_one = 0;
  view.found_sharers = 0;
  view.landing_current = 0;
  // What the chain consists of, in the order in which the home executes it.
  std::array<Op, 4> ops{};
  uint32_t count = 0;
  const Op read_page(OpKind::kReadPage);
  const bool in_place = variant_.InPlace(node);
  const bool reads = kind == EffectKind::kPostReadChain || kind == EffectKind::kPostReadChainBitOn;
  const bool page_first = fault_ == (reads ? Fault::kPageBeforeBit : Fault::kPageBeforeSwap);
  const bool with_page = !in_place && !variant_.direct && kind != EffectKind::kPostWriteChainNoPage;
  if (with_page && page_first) ops[count++] = read_page;
  if (reads) {
    if (kind == EffectKind::kPostReadChain) ops[count++] = Op(OpKind::kSetBit, node);
    ops[count++] = Op(OpKind::kReadHolder);
  } else if (kind != EffectKind::kPostPageRead) {
    const Op swap(OpKind::kCompareAndSwap);
    if (fault_ != Fault::kBitsBeforeSwap) ops[count++] = swap;
    for (uint32_t word = 0; word < variant_.bit_words(); ++word) {
      ops[count++] = Op(OpKind::kReadBits, word);
    }
    if (fault_ == Fault::kBitsBeforeSwap) ops[count++] = swap;
  }
  if (with_page && !page_first) ops[count++] = read_page;
  if (count == 0) {
    view.chain = Chain::kDone;  // the late read of a page that is here
    return;
  }
  ops[count - 1].last = 1;
  for (uint32_t index = 0; index < count; ++index) Post(world, node, ops[index]);
}

void Executor::Install(World& world, uint32_t node, Mapping mapping, Input input) {
  NodeView& view = world.nodes[node];
  view.mapping = mapping;
  if (!variant_.InPlace(node)) {
    const bool from_frame = variant_.direct && input != Input::kGrantExclusive;
    view.copy_current = from_frame ? world.frame_current & 1 : view.landing_current;
  } else if (input == Input::kGrantExclusive && fault_ != Fault::kFrameNotFilled) {
    world.frame_current = view.landing_current;
  }
}

void Tidy(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  if (view.stopped != 0) return;
  if (view.state != State::kHandOver && view.pending_count == 0) {
    view.captured = 0;
    view.captured_current = 0;
  }
  if (view.state != State::kAwaitAcks) {
    view.need = 0;
    if (view.chain == Chain::kIdle) view.landing_current = 0;
  }
  if (view.chain == Chain::kIdle) {
    view.found_plus_one = 0;
    view.found_sharers = 0;
  }
  if (view.mapping != Mapping::kNone) view.waiting &= kWaitsToWrite;
  if (view.mapping == Mapping::kWritable) view.waiting = 0;
  // Elsewhere the end of the hold is ignored, and a new one starts before it matters again.
  const bool matters = view.state == State::kExpiring || view.deferred_count != 0;
  if (!matters) view.hold = 0;
}

}  // namespace farpage::model
