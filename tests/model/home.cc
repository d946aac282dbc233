// The passive home: what posted operations do to the directory entry and the frame, and messages.
#include "directory/entry.h"
#include "tests/model/executor.h"

namespace farpage::model {

using directory::EncodeHolder;

namespace {

Op TakeFirst(NodeView& view) {
  const Op op = view.queue[0];
  for (uint32_t index = 1; index < view.queued; ++index) view.queue[index - 1] = view.queue[index];
  view.queue[--view.queued] = Op{};
  return op;
}

// What the rest of a chain reads counts for nothing once a holder was found, so it makes no
// difference when it is read: the chain ends at once, and there are fewer states to visit.
void SkipReads(NodeView& view, Op op) {
  while (op.last == 0) op = TakeFirst(view);
  view.landing_current = 0;
  view.found_sharers = 0;
  view.chain = Chain::kDone;
}

}  // namespace

// Memory that all have mapped outlives its node: it is usable until one learns.
bool Executor::CanReachHome(const World& world, uint32_t node) const {
  return world.home_stopped == 0 || (variant_.direct && world.nodes[node].knows_stopped == 0);
}

void Executor::Post(World& world, uint32_t node, Op op) {
  NodeView& view = world.nodes[node];
  if (!CanReachHome(world, node)) return;
  if (variant_.direct) {
    Execute(world, node, op);
    return;
  }
  if (view.queued == kMostQueued) {
    Find(Property::kBounds, "node " + std::to_string(node) + " has too many operations posted");
    return;
  }
  view.queue[view.queued++] = op;
}

void Executor::ChangeBit(World& world, uint32_t by, uint32_t of, bool on) {
  const uint32_t bit = 1u << of;
  if (by != of) Find(Property::kOwnBit, "another node's bit is changed");
  if (((world.bits & bit) != 0) == on) {
    Find(Property::kOwnBit, "the bit of node " + std::to_string(of) + " is " +
                                (on ? "added" : "subtracted") + " twice");
  }
  world.bits = static_cast<uint8_t>(on ? world.bits | bit : world.bits & ~bit);
}

void Executor::ChangeHolder(World& world, uint32_t by, NodeId next) {
  const uint64_t word =
      world.holder_plus_one + directory::HolderChange(NodeId(by), next);  // modulo 2^64
  if (world.holder_plus_one != EncodeHolder(NodeId(by)) ||
      !directory::IsHolderWord(word, variant_.nodes)) {
    Find(Property::kHolderWord,
         "node " + std::to_string(by) + " changes the holder word and is not the holder");
    return;
  }
  world.holder_plus_one = static_cast<uint8_t>(word);
}

void Executor::ExecuteFirst(World& world, uint32_t node) {
  Execute(world, node, TakeFirst(world.nodes[node]));
}

void Executor::Execute(World& world, uint32_t node, Op op) {
  NodeView& view = world.nodes[node];
  const bool sees_result = view.stopped == 0;
  const bool skips = sees_result && !variant_.direct;
  switch (op.kind) {
    case OpKind::kSetBit:
      ChangeBit(world, node, op.node, true);
      break;
    case OpKind::kClearBit:
      ChangeBit(world, node, op.node, false);
      break;
    case OpKind::kRelease:
      ChangeHolder(world, node, NodeId::None());
      break;
    case OpKind::kTransfer:
      ChangeHolder(world, node, NodeId(op.node));
      break;
    case OpKind::kCompareAndSwap:
      if (sees_result) view.found_plus_one = world.holder_plus_one;
      if (world.holder_plus_one == 0) {
        world.holder_plus_one = static_cast<uint8_t>(node + 1);
      } else if (skips) {
        SkipReads(view, op);
      }
      break;
    case OpKind::kReadHolder:
      if (sees_result) view.found_plus_one = world.holder_plus_one;
      if (world.holder_plus_one != 0 && skips) SkipReads(view, op);
      break;
    case OpKind::kReadBits:
      for (uint32_t other = 0; other < variant_.nodes && sees_result; ++other) {
        if (variant_.WordOf(other) == op.node && other != node) {
          view.found_sharers =
              static_cast<uint8_t>(view.found_sharers | (world.bits & 1u << other));
        }
      }
      break;
    case OpKind::kReadPage:
      if (sees_result) view.landing_current = world.frame_current & 1;
      break;
    case OpKind::kWritePage:
      world.frame_current = op.current;
      break;
    case OpKind::kMessage: {
      Message message;
      message.kind = op.message;
      message.current = op.current;
      Append(world, node, op.node, message);
      break;
    }
    case OpKind::kNone:
      break;
  }
  if (op.last != 0 && sees_result) view.chain = Chain::kDone;
}

void Executor::Send(World& world, uint32_t from, uint32_t to, MessageKind kind, bool current) {
  const auto number = static_cast<uint8_t>(kind);
  if (variant_.OrderedTo(to) && fault_ != Fault::kMessagesOvertake) {
    Op op(OpKind::kMessage, to);
    op.message = number & 7;
    op.current = current ? 1 : 0;
    Post(world, from, op);
    return;
  }
  Message message;
  message.kind = number & 7;
  message.current = current ? 1 : 0;
  Append(world, from, to, message);
}

void Executor::Append(World& world, uint32_t from, uint32_t to, Message message) {
  if (from == to) {
    Find(Property::kPossible, "node " + std::to_string(from) + " sends to itself");
    return;
  }
  if (world.nodes[to].stopped != 0) return;
  const uint32_t count = world.MessageCount(from, to);
  if (count == kMostMessages) {
    Find(Property::kBounds, "too many messages from one node to another");
    return;
  }
  world.channels[from][to][count] = message;
}

void Executor::Store(World& world, uint32_t node, const Variant& variant) {
  world.frame_current = 0;
  for (uint32_t other = 0; other < variant.nodes; ++other) {
    NodeView& view = world.nodes[other];
    view.copy_current = 0;
    view.landing_current = 0;
    view.captured_current = 0;
    for (Op& op : view.queue) op.current = 0;
    for (auto& messages : world.channels[other]) {
      for (Message& message : messages) message.current = 0;
    }
  }
  if (variant.InPlace(node)) {
    world.frame_current = 1;
  } else {
    world.nodes[node].copy_current = 1;
  }
}

}  // namespace farpage::model
