// Pages, and what is under way to their homes.
#include "tests/model/release_machine.h"

#include <algorithm>
#include <array>

namespace farpage::release_model {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleaseState;

const char* Name(Property property) {
  static constexpr std::array<const char*, 5> kNames = {
      "every read returns the last write before it", "what is said to be accessible is",
      "effects fit the page", "queues are bounded", "what was begun can end"};
  return kNames[static_cast<size_t>(property)];
}

void Machine::Find(Property property, std::string what) {
  if (!finding_.has_value()) finding_ = Finding{property, std::move(what)};
}

bool Machine::Busy(const NodeView& view) {
  return std::any_of(view.copies.begin(), view.copies.end(),
                     [](const Copy& copy) { return copy.pending_count != 0; });
}

Bits& Machine::Content(World& world, uint32_t node, uint32_t page) {
  return variant_.AtHome(node, page) ? world.frames[page] : world.nodes[node].copies[page].content;
}

ReleaseEffects Machine::Feed(World& world, uint32_t node, uint32_t page, ReleaseInput input) {
  Copy& copy = world.nodes[node].copies[page];
  const ReleaseState before = copy.page.state;
  const bool asks = input == ReleaseInput::kRead || input == ReleaseInput::kWrite;
  if (asks && before == ReleaseState::kInvalid) {
    copy.to_write = input == ReleaseInput::kWrite && !variant_.AtHome(node, page) ? 1 : 0;
  }
  const directory::ReleaseStimulus stimulus = {
      .input = input, .at_home = variant_.AtHome(node, page), .stays = copy.pinned != 0};
  ++coverage_[PlaceOf(copy.page, stimulus)];
  ReleaseEffects effects;
  step_(copy.page, stimulus, effects);
  if (log_ != nullptr) {
    Log(std::string("; ") + Name(input) + " in " + Name(before) + " → " + Name(copy.page.state));
    for (const ReleaseEffect effect : effects) Log(std::string(", ") + Name(effect));
  }
  Run(world, node, page, effects.begin(), effects.end());
  const bool fetched = input == ReleaseInput::kFetched || input == ReleaseInput::kFetchedToWrite ||
                       input == ReleaseInput::kFetchFailed;
  if (fetched) {
    copy.fetch = Fetch::kNone;
    copy.landing = 0;
    copy.to_write = 0;
  }
  // Where frames are mapped the record stays locked until the page is there.
  if (asks && variant_.direct && copy.fetch == Fetch::kLanded) {
    Feed(world, node, page,
         copy.to_write != 0 ? ReleaseInput::kFetchedToWrite : ReleaseInput::kFetched);
  }
  return effects;
}

// Other threads of the node store as long as the mapping lets them. Where it does not, nothing that
// they could do between two effects would be different before or after: only there is a pause.
void Machine::Run(World& world, uint32_t node, uint32_t page, const ReleaseEffect* begin,
                  const ReleaseEffect* end) {
  Copy& copy = world.nodes[node].copies[page];
  for (const ReleaseEffect* effect = begin; effect != end; ++effect) {
    Carry(world, node, page, *effect);
    const bool goes_on = std::any_of(effect + 1, end, [](ReleaseEffect later) {
      return later == ReleaseEffect::kProtect || later == ReleaseEffect::kDropTwin ||
             later == ReleaseEffect::kUnmap;
    });
    if (*effect == ReleaseEffect::kSendDiff && goes_on && copy.mapping == Mapping::kWritable) {
      while (++effect != end) copy.pending[copy.pending_count++ & 7u] = *effect;
      return;
    }
  }
}

void Machine::Continue(World& world, uint32_t node, uint32_t page) {
  Copy& copy = world.nodes[node].copies[page];
  const std::array<ReleaseEffect, 5> pending = copy.pending;
  const uint32_t count = copy.pending_count;
  copy.pending = {};
  copy.pending_count = 0;
  for (uint32_t at = 0; at < count; ++at) Log(std::string(", ") + Name(pending[at]));
  Run(world, node, page, pending.data(), pending.data() + count);
}

void Machine::Carry(World& world, uint32_t node, uint32_t page, ReleaseEffect effect) {
  Copy& copy = world.nodes[node].copies[page];
  const auto expect = [&](bool fits) {
    if (!fits) Find(Property::kPager, std::string(Name(effect)) + " does not fit");
  };
  const auto map = [&](Mapping mapping, Bits content) {
    expect(copy.mapping == Mapping::kNone);
    copy.mapping = mapping;
    copy.content = content;
  };
  switch (effect) {
    case ReleaseEffect::kFetch:
      expect(copy.fetch == Fetch::kNone);
      copy.fetch = Fetch::kPosted;
      Post(world, node, {OpKind::kFetch, static_cast<uint8_t>(page), 0, 0});
      break;
    case ReleaseEffect::kMapRead:
      expect(copy.fetch == Fetch::kLanded);
      map(Mapping::kReadOnly, copy.landing);
      break;
    case ReleaseEffect::kMapWrite:
      expect(copy.has_twin != 0);
      map(Mapping::kWritable, fault_ == Fault::kTwinOfFrame ? copy.landing : copy.twin);
      break;
    case ReleaseEffect::kKeepTwin:
      expect(copy.has_twin == 0);
      copy.has_twin = 1;
      copy.twin = copy.fetch == Fetch::kLanded ? copy.landing : copy.content;
      if (fault_ == Fault::kTwinOfFrame) copy.twin = world.frames[page];
      break;
    case ReleaseEffect::kMakeWritable:
      expect(copy.mapping != Mapping::kNone);
      copy.mapping = Mapping::kWritable;
      break;
    case ReleaseEffect::kProtect:
      expect(copy.mapping != Mapping::kNone);
      copy.mapping = Mapping::kReadOnly;
      break;
    case ReleaseEffect::kSendDiff:
      expect(copy.has_twin != 0 && copy.mapping != Mapping::kNone);
      SendDiff(world, node, page);
      break;
    case ReleaseEffect::kRefreshTwin:
      expect(copy.has_twin != 0);
      copy.twin = copy.content;
      break;
    case ReleaseEffect::kDropTwin:
      expect(copy.has_twin != 0);
      copy.has_twin = 0;
      copy.twin = 0;
      break;
    case ReleaseEffect::kMerge: {
      expect(copy.has_twin != 0 && copy.mapping == Mapping::kWritable);
      const Bits frame = FrameAfterOwnDiffs(world, node, page);
      const auto differs = static_cast<Bits>(frame ^ copy.twin);
      copy.content = static_cast<Bits>((copy.content & ~differs) | (frame & differs));
      copy.twin = frame;
      break;
    }
    case ReleaseEffect::kUnmap:
      expect(copy.mapping != Mapping::kNone);
      copy.mapping = Mapping::kNone;
      copy.content = 0;
      break;
    case ReleaseEffect::kList:
      expect(copy.in_list == 0);
      copy.in_list = 1;
      break;
    case ReleaseEffect::kNotice:
      break;  // the release sees to it
  }
}

// What a read of the frame returns that is posted now: the connection executes in order.
Bits Machine::FrameAfterOwnDiffs(const World& world, uint32_t node, uint32_t page) {
  Bits frame = world.frames[page];
  const NodeView& view = world.nodes[node];
  for (uint32_t at = 0; at < view.queued; ++at) {
    const Op& op = view.queue[at];
    if (op.kind != OpKind::kDiff || op.page != page) continue;
    frame = static_cast<Bits>((frame & ~op.mask) | op.values);
  }
  return frame;
}

void Machine::SendDiff(World& world, uint32_t node, uint32_t page) {
  const Copy& copy = world.nodes[node].copies[page];
  uint32_t mask = copy.content ^ copy.twin;
  sent_ = sent_ || mask != 0;
  if (fault_ == Fault::kWholePage) mask = (1u << variant_.bytes) - 1;
  if (fault_ == Fault::kWholeWords) {
    for (uint32_t word = 0; word < kMostBytes; word += kWordBytes) {
      const uint32_t whole = ((1u << kWordBytes) - 1) << word;
      if ((mask & whole) != 0) mask |= whole;
    }
  }
  if (mask == 0) return;
  const auto values = static_cast<Bits>(copy.content & mask);
  Post(world, node, {OpKind::kDiff, static_cast<uint8_t>(page), static_cast<Bits>(mask), values});
}

void Machine::Post(World& world, uint32_t node, const Op& op) {
  NodeView& view = world.nodes[node];
  if (variant_.direct) {
    Apply(world, node, op);
  } else if (view.queued == kMostQueued) {
    Find(Property::kBounds, "too much is under way");
  } else {
    view.queue[view.queued++] = op;
  }
}

void Machine::Apply(World& world, uint32_t node, const Op& op) {
  Copy& copy = world.nodes[node].copies[op.page];
  Bits& frame = world.frames[op.page];
  if (op.kind == OpKind::kDiff) {
    frame = static_cast<Bits>((frame & ~op.mask) | op.values);
  } else if (op.kind == OpKind::kFetch) {
    copy.landing = frame;
    copy.fetch = Fetch::kLanded;
  }
}

void Machine::Execute(World& world, uint32_t node, uint32_t at) {
  NodeView& view = world.nodes[node];
  const Op op = view.queue[at];
  std::copy(view.queue.begin() + at + 1, view.queue.end(), view.queue.begin() + at);
  view.queue.back() = {};
  --view.queued;
  Apply(world, node, op);
}

bool Machine::CanExecute(const NodeView& view, uint32_t at) const {
  const Op& op = view.queue[at];
  if (fault_ == Fault::kFetchOvertakes && op.kind == OpKind::kFetch) return true;
  return std::none_of(view.queue.begin(), view.queue.begin() + at, [&](const Op& before) {
    return variant_.homes[before.page] == variant_.homes[op.page];
  });
}

// The byte's value is inverted: all that was right is wrong, and the other way round.
void Machine::Store(World& world, uint32_t node, uint32_t page, uint32_t byte) {
  const auto bit = static_cast<Bits>(1u << byte);
  const auto invert = [&](Bits& bits) { bits = static_cast<Bits>(bits ^ bit); };
  invert(world.frames[page]);
  for (uint32_t other = 0; other < variant_.nodes; ++other) {
    NodeView& view = world.nodes[other];
    Copy& copy = view.copies[page];
    if (copy.mapping != Mapping::kNone && !variant_.AtHome(other, page)) invert(copy.content);
    if (copy.has_twin != 0) invert(copy.twin);
    if (copy.fetch == Fetch::kLanded) invert(copy.landing);
    for (uint32_t at = 0; at < view.queued; ++at) {
      if (view.queue[at].page == page && (view.queue[at].mask & bit) != 0) {
        invert(view.queue[at].values);
      }
    }
  }
  Bits& content = Content(world, node, page);
  content = static_cast<Bits>(content & ~bit);
  world.order[page][byte] = OrderOfNode(node);
}

std::optional<Finding> CheckState(const World& world, const Variant& variant) {
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    for (uint32_t page = 0; page < variant.pages; ++page) {
      const Copy& copy = world.nodes[node].copies[page];
      const ReleaseState state = copy.page.state;
      const bool dirty_here = state != ReleaseState::kDirty || copy.mapping == Mapping::kWritable;
      const bool clean_here = state != ReleaseState::kClean || copy.mapping != Mapping::kNone;
      if (copy.pending_count == 0 && (!dirty_here || !clean_here)) {
        return Finding{Property::kHere, "node " + std::to_string(node) + " cannot access page " +
                                            std::to_string(page)};
      }
      if (copy.mapping == Mapping::kNone) continue;
      const Bits content = variant.AtHome(node, page) ? world.frames[page] : copy.content;
      for (uint32_t byte = 0; byte < variant.bytes; ++byte) {
        const bool ordered = (world.order[page][byte] & OrderOfNode(node)) != 0;
        if (ordered && (content >> byte & 1) != 0) {
          return Finding{Property::kLastWrite, "node " + std::to_string(node) + " reads byte " +
                                                   std::to_string(byte) + " of page " +
                                                   std::to_string(page) + " as it was before"};
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace farpage::release_model
