#include "tests/model/moves.h"

#include <array>

namespace farpage::model {

using directory::Input;
using directory::NodeSet;
using directory::State;
using directory::Stimulus;
using directory::Verdict;

namespace {

constexpr size_t kMessageKinds = 8;
constexpr std::array<Input, kMessageKinds> kInputOf = {Input::kRead,        Input::kAck,
                                                       Input::kNack,        Input::kInvalidate,
                                                       Input::kFetchShared, Input::kFetchExclusive,
                                                       Input::kGrantShared, Input::kGrantExclusive};

bool IsFetch(MessageKind kind) {
  return kind == MessageKind::kFetchShared || kind == MessageKind::kFetchExclusive;
}

Stimulus StimulusOf(const World& world, const Move& move) {
  const MessageKind kind = world.channels[move.peer][move.node][0].Kind();
  return {.input = kInputOf[static_cast<size_t>(kind)],
          .from = NodeId(move.peer),
          .held = (move.option & Move::kHeld) != 0,
          .can_defer = (move.option & Move::kCannotDefer) == 0};
}

// The ways in which a message may be received, as far as they differ for the protocol.
void ListDeliveries(const World& world, const Executor& executor, uint32_t from, uint32_t to,
                    std::vector<Move>& moves) {
  const Message message = world.channels[from][to][0];
  if (message.kind == 0) return;
  const NodeView& view = world.nodes[to];
  Move move{MoveKind::kDeliver, static_cast<uint8_t>(to), static_cast<uint8_t>(from), 0};
  const bool fetch = IsFetch(message.Kind());
  if (!fetch && message.Kind() != MessageKind::kInvalidate) {
    moves.push_back(move);
    return;
  }
  // A node that has put off requests puts off later ones too: see Stimulus::held.
  const bool queue_up = view.deferred_count != 0 && executor.fault() != Fault::kDeferredAnyOrder;
  const directory::PageState page = Executor::Load(view);
  NodeSet need;
  need.set_word(0, view.need);
  uint64_t seen = 0;
  const uint8_t options = fetch ? 4 : 2;
  for (uint8_t option = 0; option < options; ++option) {
    const bool held = (option & Move::kHeld) != 0;
    if (fetch && queue_up && !held) continue;
    if (held && !executor.variant().hold && !queue_up) continue;
    move.option = option;
    const auto event = static_cast<size_t>(Classify(page, &need, StimulusOf(world, move)));
    if ((seen >> event & 1) != 0) continue;
    seen |= uint64_t{1} << event;
    moves.push_back(move);
  }
}

void ListLocal(const World& world, const Executor& executor, uint8_t node,
               std::vector<Move>& moves) {
  const NodeView& view = world.nodes[node];
  if (view.mapping == Mapping::kWritable) moves.push_back({MoveKind::kStore, node});
  if (view.pending_count != 0) {  // the page is locked
    moves.push_back({MoveKind::kContinue, node});
    return;
  }
  switch (view.state) {
    case State::kInvalid:
      moves.push_back({MoveKind::kRead, node});
      moves.push_back({MoveKind::kWrite, node});
      break;
    case State::kShared:
      moves.push_back({MoveKind::kWrite, node});
      if (executor.variant().evict) moves.push_back({MoveKind::kEvict, node});
      break;
    case State::kExpiring:
      moves.push_back({MoveKind::kWrite, node});
      break;
    case State::kExclusive:
      if (executor.variant().evict && view.deferred_count == 0) {
        moves.push_back({MoveKind::kEvict, node});
      }
      break;
    default:
      break;
  }
  if (view.hold != 0) moves.push_back({MoveKind::kHoldOver, node});
  if (view.chain == Chain::kDone) {
    moves.push_back({MoveKind::kResult, node});
    if (executor.variant().ahead &&
        (view.state == State::kReadChain || view.state == State::kWriteChain)) {
      moves.push_back({MoveKind::kResult, node, 0, Move::kAhead});
    }
  }
  if (view.chain == Chain::kInFlight && world.home_stopped != 0) {
    moves.push_back({MoveKind::kChainFailed, node});
  }
  for (uint32_t peer = 0; peer < executor.variant().nodes; ++peer) {
    const NodeView& other = world.nodes[peer];
    if (other.stopped != 0 && other.queued == 0 && view.knows_stopped == 0 &&
        executor.fault() != Fault::kDeadNotTold) {
      moves.push_back({MoveKind::kLearn, node, static_cast<uint8_t>(peer)});
    }
    ListDeliveries(world, executor, peer, node, moves);
  }
}

void FeedResult(World& world, uint32_t node, bool ahead, Executor& executor) {
  NodeView& view = world.nodes[node];
  const NodeId holder =
      view.found_plus_one == 0 ? NodeId::None() : NodeId(view.found_plus_one - 1u);
  Stimulus stimulus{.holder = holder, .ahead = ahead};
  if (holder.valid()) {
    stimulus.holder_failed = view.knows_stopped != 0 && world.nodes[holder.value()].stopped != 0;
    stimulus.holder_self = holder.value() == node;
  }
  NodeSet sharers;
  for (uint32_t other = 0; other < executor.variant().nodes; ++other) {
    const bool dead = view.knows_stopped != 0 && world.nodes[other].stopped != 0;
    if ((view.found_sharers >> other & 1) != 0 && other != node && !dead) {
      sharers.insert(NodeId(other));
    }
  }
  stimulus.sharers = &sharers;
  switch (view.state) {
    case State::kReadChain:
      stimulus.input = Input::kReadResult;
      break;
    case State::kWriteChain:
      stimulus.input = Input::kWriteResult;
      break;
    case State::kHandOver:
      stimulus.input = Input::kHandedOver;
      break;
    default:
      stimulus.input = Input::kPageArrived;
      break;
  }
  view.chain = Chain::kIdle;
  if (ahead) view.waiting = 0;
  executor.Feed(world, node, stimulus);
}

void Deliver(World& world, const Move& move, Executor& executor) {
  auto& channel = world.channels[move.peer][move.node];
  const Message message = channel[0];
  const Stimulus stimulus = StimulusOf(world, move);
  for (uint32_t index = 1; index < kMostMessages; ++index) channel[index - 1] = channel[index];
  channel[kMostMessages - 1] = Message{};
  if (message.Kind() == MessageKind::kGrantShared ||
      message.Kind() == MessageKind::kGrantExclusive) {
    // A home in place may send straight from its frame, as late as now.
    const bool from_frame = message.Kind() == MessageKind::kGrantShared &&
                            executor.variant().InPlace(move.peer) && world.home_stopped == 0;
    world.nodes[move.node].landing_current =
        message.current & (from_frame ? world.frame_current : 1) & 1;
  }
  executor.Feed(world, move.node, stimulus);
}

void Stop(World& world, uint32_t node, const Executor& executor) {
  NodeView& view = world.nodes[node];
  NodeView stopped;
  stopped.queue = view.queue;
  stopped.queued = view.queued;
  stopped.stopped = 1;
  for (Op& op : stopped.queue) op.last = 0;
  view = stopped;
  for (uint32_t other = 0; other < executor.variant().nodes; ++other) {
    world.channels[other][node] = {};
  }
}

// What is posted to a home that has stopped never executes. Where its memory is mapped by all it
// stays usable, for each node until it learns.
void StopHome(World& world, const Executor& executor) {
  world.home_stopped = 1;
  if (executor.variant().direct) return;
  world.holder_plus_one = 0;
  world.bits = 0;
  world.frame_current = 0;
  for (uint32_t node = 0; node < executor.variant().nodes; ++node) {
    world.nodes[node].queue = {};
    world.nodes[node].queued = 0;
  }
}

void Learn(World& world, const Move& move, Executor& executor) {
  NodeView& view = world.nodes[move.node];
  view.knows_stopped = 1;
  world.channels[move.peer][move.node] = {};
  uint8_t kept = 0;
  for (uint8_t index = 0; index < view.deferred_count; ++index) {
    if (view.deferred[index] / 2 != move.peer) view.deferred[kept++] = view.deferred[index];
  }
  for (uint8_t index = kept; index < view.deferred_count; ++index) view.deferred[index] = 0;
  view.deferred_count = kept;
  executor.Feed(world, move.node, {.input = Input::kPeerFailed, .from = NodeId(move.peer)});
}

}  // namespace

bool Move::IsProgress(const World& before) const {
  switch (kind) {
    case MoveKind::kRead:
      return (before.nodes[node].waiting & kWaitsToRead) != 0;
    case MoveKind::kWrite:
      return (before.nodes[node].waiting & kWaitsToWrite) != 0;
    case MoveKind::kStore:
    case MoveKind::kEvict:
    case MoveKind::kStop:
    case MoveKind::kStopHome:
      return false;
    case MoveKind::kResult:
      return option != kAhead;
    default:
      return true;
  }
}

void ListMoves(const World& world, const Executor& executor, std::vector<Move>& moves) {
  moves.clear();
  const Variant& variant = executor.variant();
  bool may_stop = variant.failures && world.home_stopped == 0;
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    may_stop = may_stop && world.nodes[node].stopped == 0;
  }
  for (uint8_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    if (view.queued != 0) moves.push_back({MoveKind::kExecute, node});
    if (executor.fault() == Fault::kPagesOnOtherQueue && view.queued > 1 &&
        view.queue[0].kind == OpKind::kWritePage) {
      moves.push_back({MoveKind::kOvertake, node});
    }
    if (view.stopped == 0) ListLocal(world, executor, node, moves);
    if (view.stopped != 0 && view.queued != 0) moves.push_back({MoveKind::kLoseQueue, node});
    if (may_stop) moves.push_back({MoveKind::kStop, node});
  }
  if (may_stop && !variant.has_home_node()) moves.push_back({MoveKind::kStopHome});
}

bool Make(const Move& move, World& world, Executor& executor) {
  NodeView& view = world.nodes[move.node];
  Verdict verdict = Verdict::kStepped;
  switch (move.kind) {
    case MoveKind::kRead:
      view.waiting |= kWaitsToRead;
      verdict = executor.Feed(world, move.node, {.input = Input::kRead});
      break;
    case MoveKind::kWrite:
      view.waiting |= kWaitsToWrite;
      verdict = executor.Feed(world, move.node, {.input = Input::kWrite});
      break;
    case MoveKind::kEvict:
      verdict = executor.Feed(world, move.node, {.input = Input::kEvict});
      break;
    case MoveKind::kStore:
      Executor::Store(world, move.node, executor.variant());
      break;
    case MoveKind::kResult:
      FeedResult(world, move.node, move.option == Move::kAhead, executor);
      break;
    case MoveKind::kHoldOver:
      view.hold = 0;
      executor.Feed(world, move.node, {.input = Input::kHoldOver});
      break;
    case MoveKind::kContinue:
      executor.Continue(world, move.node);
      break;
    case MoveKind::kExecute:
      executor.ExecuteFirst(world, move.node);
      break;
    case MoveKind::kOvertake:
      std::swap(view.queue[0], view.queue[1]);
      break;
    case MoveKind::kDeliver:
      Deliver(world, move, executor);
      break;
    case MoveKind::kStop:
      Stop(world, move.node, executor);
      if (executor.variant().has_home_node() && move.node == 0) StopHome(world, executor);
      break;
    case MoveKind::kStopHome:
      StopHome(world, executor);
      break;
    case MoveKind::kLoseQueue:
      view.queue = {};
      view.queued = 0;
      break;
    case MoveKind::kLearn:
      Learn(world, move, executor);
      break;
    case MoveKind::kChainFailed:
      view.chain = Chain::kIdle;
      if (executor.variant().direct) view.knows_stopped = 1;
      executor.Feed(world, move.node, {.input = Input::kChainFailed, .from = NodeId(0)});
      break;
  }
  for (uint32_t node = 0; node < executor.variant().nodes; ++node) Tidy(world, node);
  return verdict == Verdict::kStepped;
}

}  // namespace farpage::model
