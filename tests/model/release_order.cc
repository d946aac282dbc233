// Locks, the barrier, logs and clocks: releases and acquires, as runtime/release/ordering.cc and
// runtime/sync/ make them.
#include <algorithm>

#include "tests/model/release_machine.h"

namespace farpage::release_model {

using directory::ReleaseInput;

namespace {

// In every byte's order: who is in `from` brings `to` along.
void PassOn(World& world, Order from, Order to) {
  for (auto& page : world.order) {
    for (Order& order : page) {
      if ((order & from) != 0) order = static_cast<Order>(order | to);
    }
  }
}

void Forget(World& world, Order whom) {
  for (auto& page : world.order) {
    for (Order& order : page) order = static_cast<Order>(order & ~whom);
  }
}

Count& Later(Count& at, Count other) { return at = std::max(at, other); }

}  // namespace

void Machine::BeginLock(World& world, uint32_t node, uint32_t lock) {
  Lock& its = world.locks[lock];
  NodeView& view = world.nodes[node];
  view.goal = static_cast<uint8_t>(lock);
  if (its.holder_plus_one != 0) {
    its.queue[its.waiting++] = static_cast<uint8_t>(node);
    view.phase = Phase::kQueued;
    return;
  }
  its.holder_plus_one = static_cast<uint8_t>(node + 1);
  if (fault_ != Fault::kFreeClockNotRead) view.clock = its.clock;
  its.clock = {};  // nobody looks at it before it is written again
  PassOn(world, OrderOfLock(lock), OrderOfAcquire(node));
  BeginAcquire(world, node);
}

void Machine::BeginUnlock(World& world, uint32_t node, uint32_t lock, bool other_page) {
  world.nodes[node].goal = static_cast<uint8_t>(lock);
  PassOn(world, OrderOfNode(node), OrderOfLock(lock));
  BeginRelease(world, node, other_page);
}

void Machine::BeginBarrier(World& world, uint32_t node, bool other_page) {
  world.nodes[node].goal = kBarrierGoal;
  PassOn(world, OrderOfNode(node), kOrderOfBarrier);
  BeginRelease(world, node, other_page);
}

void Machine::BeginRelease(World& world, uint32_t node, bool other_page) {
  NodeView& view = world.nodes[node];
  bool any = other_page;
  for (const Copy& copy : view.copies) any = any || copy.in_list != 0;
  ReleasePages(world, node);
  if (other_page) view.notices[view.notice_count++] = 0;
  if (fault_ == Fault::kClockBeforeNotices) view.clock[node] = view.length;
  view.phase = Phase::kSent;
  if (!any) {
    Leave(world, node);
    return;
  }
  if (fault_ == Fault::kUnlockBeforeRelease && view.goal != kBarrierGoal) {
    // The clock as it will be: only the bytes and the notices are late.
    view.clock[node] = static_cast<Count>(view.length + view.notice_count);
    Lock& lock = world.locks[view.goal];
    if (lock.waiting == 0) {
      lock.clock = view.clock;
      for (uint32_t other = 0; other < variant_.nodes; ++other) {
        if (other != node) Later(lock.clock[other], view.seen[other]);
      }
      lock.holder_plus_one = 0;
      view.held = static_cast<Bits>(view.held & ~(1u << view.goal));
    }
  }
  const bool fences = fault_ == Fault::kFenceOnlyWritten ? sent_ : fault_ != Fault::kNoFence;
  for (uint32_t page = 0; page < variant_.pages && fences; ++page) PostFence(world, node, page);
  if (variant_.coarse && CanAdvance(world, node)) Advance(world, node);
}

// Behind what the node has sent to the page's home.
void Machine::PostFence(World& world, uint32_t node, uint32_t page) {
  const NodeView& view = world.nodes[node];
  for (uint32_t at = view.queued; at-- > 0;) {
    const Op& op = view.queue[at];
    if (variant_.homes[op.page] != variant_.homes[page] || op.kind == OpKind::kFetch) continue;
    if (op.kind == OpKind::kDiff)
      Post(world, node, {OpKind::kFence, static_cast<uint8_t>(page), 0, 0});
    return;
  }
}

void Machine::ReleasePages(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  uint32_t named = 0;
  bool any_sent = false;
  for (uint32_t page = 0; page < variant_.pages; ++page) {
    Copy& copy = view.copies[page];
    if (copy.in_list == 0) continue;
    copy.in_list = 0;
    const bool owed = copy.page.owed;
    sent_ = false;
    const directory::ReleaseEffects effects = Feed(world, node, page, ReleaseInput::kRelease);
    const bool told =
        (owed && fault_ != Fault::kEmptyDiffUntold) || variant_.AtHome(node, page) || sent_;
    any_sent = any_sent || sent_;
    const bool notice = effects.contains(directory::ReleaseEffect::kNotice);
    if (notice && told) named |= 1u << page;
  }
  sent_ = any_sent;
  // Neighbours are one notice, which page 0 and 1 are.
  if (named != 0) view.notices[view.notice_count++] = static_cast<Bits>(named);
}

bool Machine::CanAdvance(const World& world, uint32_t node) const {
  const NodeView& view = world.nodes[node];
  switch (view.phase) {
    case Phase::kIdle:
    case Phase::kQueued:
    case Phase::kBarrier:
      return false;
    case Phase::kReadEntries:
    case Phase::kReadReserved:
    case Phase::kAppend:
      return true;
    case Phase::kDrop:
      return !Busy(view);
    case Phase::kSent:
      return !Busy(view) && std::none_of(view.queue.begin(), view.queue.begin() + view.queued,
                                         [](const Op& op) { return op.kind == OpKind::kFence; });
  }
  return false;
}

void Machine::Advance(World& world, uint32_t node) {
  const NodeView& view = world.nodes[node];
  do {
    AdvanceOnce(world, node);
  } while (variant_.coarse && view.phase != Phase::kReadEntries && CanAdvance(world, node));
}

void Machine::AdvanceOnce(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  switch (view.phase) {
    case Phase::kSent:
      if (view.notice_count == 0) {
        Leave(world, node);
      } else if (fault_ == Fault::kReservedLate) {
        Append(world, node);
        view.phase = Phase::kAppend;
      } else {
        view.reserved = static_cast<Count>(view.length + view.notice_count);
        view.phase = Phase::kAppend;
      }
      break;
    case Phase::kAppend:
      if (fault_ == Fault::kReservedLate) {
        view.reserved = view.length;
      } else {
        Append(world, node);
      }
      Leave(world, node);
      break;
    case Phase::kReadEntries:
      BeginRead(world, node);
      break;
    case Phase::kReadReserved:
      FinishRead(world, node);
      break;
    case Phase::kDrop:
      Drop(world, node);
      break;
    case Phase::kIdle:
    case Phase::kQueued:
    case Phase::kBarrier:
      break;
  }
}

void Machine::Append(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  for (uint32_t index = 0; index < view.notice_count; ++index) {
    for (uint32_t at = variant_.ring - 1; at > 0; --at) view.ring[at] = view.ring[at - 1];
    view.ring[0] = view.notices[index];
    ++view.length;
  }
  view.notices = {};
  view.notice_count = 0;
}

void Machine::Leave(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  if (fault_ != Fault::kClockOfOwnOnly) {
    for (uint32_t other = 0; other < variant_.nodes; ++other) {
      if (other != node) view.clock[other] = view.seen[other];
    }
  }
  if (fault_ != Fault::kClockBeforeNotices) view.clock[node] = view.length;
  if (view.goal == kBarrierGoal) {
    world.lengths[node] = view.clock[node];
    world.arrived = static_cast<Bits>(world.arrived | 1u << node);
    view.clock = {};
    view.goal = 0;
    view.phase = Phase::kBarrier;
    if (world.arrived == (1u << variant_.nodes) - 1) PassBarrier(world);
    return;
  }
  Lock& lock = world.locks[view.goal];
  const bool gone = (view.held >> view.goal & 1) == 0;  // Fault::kUnlockBeforeRelease
  view.held = static_cast<Bits>(view.held & ~(1u << view.goal));
  const Clock clock = view.clock;
  const uint32_t number = view.goal;
  view.clock = {};
  view.goal = 0;
  view.phase = Phase::kIdle;
  if (gone) return;
  if (lock.waiting == 0) {
    lock.holder_plus_one = 0;
    if (fault_ != Fault::kFreedWithoutClock) lock.clock = clock;
    return;
  }
  const uint32_t next = lock.queue[0];
  std::copy(lock.queue.begin() + 1, lock.queue.end(), lock.queue.begin());
  lock.queue.back() = 0;
  --lock.waiting;
  lock.holder_plus_one = static_cast<uint8_t>(next + 1);
  if (fault_ != Fault::kHandedWithoutClock) world.nodes[next].clock = clock;
  PassOn(world, OrderOfLock(number), OrderOfAcquire(next));
  BeginAcquire(world, next);
}

void Machine::PassBarrier(World& world) {
  for (uint32_t node = 0; node < variant_.nodes; ++node) {
    PassOn(world, kOrderOfBarrier, OrderOfAcquire(node));
  }
  Forget(world, kOrderOfBarrier);
  Clock lengths = world.lengths;
  if (fault_ == Fault::kBarrierForgetsOne) lengths[0] = 0;
  if (fault_ == Fault::kBarrierNoAcquire) lengths = {};
  world.lengths = {};
  world.arrived = 0;
  for (uint32_t node = 0; node < variant_.nodes; ++node) {
    world.nodes[node].clock = lengths;
    world.nodes[node].goal = kBarrierGoal;
    BeginAcquire(world, node);
  }
}

void Machine::BeginAcquire(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  for (uint32_t other = 0; other < variant_.nodes; ++other) {
    if (other != node && view.clock[other] > view.seen[other]) {
      view.unread = static_cast<Bits>(view.unread | 1u << other);
    } else {
      view.clock[other] = 0;
    }
  }
  if (view.unread == 0) {
    FinishAcquire(world, node);
  } else {
    view.phase = Phase::kReadEntries;
  }
}

void Machine::BeginRead(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  uint32_t log = 0;
  while ((view.unread >> log & 1) == 0) ++log;
  view.unread = static_cast<Bits>(view.unread & ~(1u << log));
  const uint32_t distance = uint32_t{view.clock[log]} - view.seen[log];
  // Fault::kOverrunByOne lies in the other of the two checks, which alone would be enough.
  if (distance > variant_.ring && fault_ != Fault::kOverrunIgnored &&
      fault_ != Fault::kOverrunByOne) {
    view.all_dropped = 1;
    view.phase = view.unread != 0 ? Phase::kReadEntries : Phase::kDrop;
    return;
  }
  view.reading = static_cast<uint8_t>(log);
  view.phase = Phase::kReadReserved;
  if (fault_ == Fault::kReservedFirst) {
    CheckReserved(world, node);
  } else {
    ReadEntries(world, node);
  }
}

void Machine::FinishRead(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  if (fault_ == Fault::kReservedFirst) {
    ReadEntries(world, node);
  } else {
    CheckReserved(world, node);
  }
  view.reading = 0;
  view.phase = view.unread != 0 ? Phase::kReadEntries : Phase::kDrop;
}

void Machine::ReadEntries(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  const NodeView& owner = world.nodes[view.reading];
  const uint32_t from = view.seen[view.reading] + (fault_ == Fault::kOneNoticeMissed ? 1u : 0u);
  for (uint32_t number = from; number < view.clock[view.reading]; ++number) {
    const uint32_t age = owner.length - 1u - number;
    view.named = static_cast<Bits>(view.named | owner.ring[age % variant_.ring]);
  }
}

void Machine::CheckReserved(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  const uint32_t allowed =
      view.seen[view.reading] + variant_.ring + (fault_ == Fault::kOverrunByOne ? 1u : 0u);
  if (world.nodes[view.reading].reserved > allowed && fault_ != Fault::kOverrunIgnored) {
    view.all_dropped = 1;
  }
}

void Machine::Drop(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  uint32_t pages = view.named;
  if (view.all_dropped != 0 && fault_ != Fault::kOverrunDropsNamed) {
    pages = (1u << variant_.pages) - 1;
  }
  view.named = 0;  // dropped: if others act between the effects, the next turn ends the acquire
  view.all_dropped = 0;
  if (fault_ == Fault::kSeenWithoutDrop) pages = 0;
  for (uint32_t page = 0; page < variant_.pages; ++page) {
    if ((pages >> page & 1) == 0 || variant_.AtHome(node, page)) continue;
    Feed(world, node, page, ReleaseInput::kNamed);
  }
  if (!Busy(view)) FinishAcquire(world, node);
}

void Machine::FinishAcquire(World& world, uint32_t node) {
  NodeView& view = world.nodes[node];
  for (uint32_t other = 0; other < variant_.nodes; ++other) {
    if (other == node) continue;
    Later(view.seen[other], view.clock[other]);
    if (fault_ == Fault::kSeenToEnd) view.seen[other] = world.nodes[other].length;
  }
  view.clock = {};
  if (view.goal != kBarrierGoal) view.held = static_cast<Bits>(view.held | 1u << view.goal);
  view.goal = 0;
  view.phase = Phase::kIdle;
  PassOn(world, OrderOfAcquire(node), OrderOfNode(node));
  Forget(world, OrderOfAcquire(node));
}

}  // namespace farpage::release_model
