#include "tests/model/trace.h"

#include <array>
#include <utility>

#include "tests/model/moves.h"

namespace farpage::model {
namespace {

std::string Number(uint32_t value) { return std::to_string(value); }

std::string PlusOne(uint32_t plus_one) { return plus_one == 0 ? "none" : Number(plus_one - 1); }

std::string Set(uint32_t set) {
  std::string text = "{";
  for (uint32_t node = 0; set >> node != 0; ++node) {
    if ((set >> node & 1) != 0) text += (text.size() > 1 ? "," : "") + Number(node);
  }
  return text + "}";
}

const char* Name(MessageKind kind) {
  static constexpr std::array<const char*, 8> kNames = {"?",
                                                        "ACK",
                                                        "NACK",
                                                        "INVALIDATE",
                                                        "FETCH_SHARED",
                                                        "FETCH_EXCLUSIVE",
                                                        "GRANT_SHARED",
                                                        "GRANT_EXCLUSIVE"};
  return kNames[static_cast<size_t>(kind)];
}

std::string Describe(const Op& op) {
  const char* page = op.current != 0 ? " (last write)" : " (older)";
  switch (op.kind) {
    case OpKind::kNone:
      return "nothing";
    case OpKind::kSetBit:
      return "+bit " + Number(op.node);
    case OpKind::kClearBit:
      return "−bit " + Number(op.node);
    case OpKind::kRelease:
      return "holder → none";
    case OpKind::kTransfer:
      return "holder → " + Number(op.node);
    case OpKind::kCompareAndSwap:
      return "CAS holder";
    case OpKind::kReadHolder:
      return "READ holder";
    case OpKind::kReadBits:
      return "READ bits " + Number(op.node);
    case OpKind::kReadPage:
      return "READ page";
    case OpKind::kWritePage:
      return std::string("WRITE page") + page;
    case OpKind::kMessage:
      return std::string(Name(static_cast<MessageKind>(op.message))) + " to " + Number(op.node);
  }
  return "?";
}

std::string Describe(const Move& move, const World& world) {
  const std::string node = "node " + Number(move.node);
  switch (move.kind) {
    case MoveKind::kRead:
      return node + " reads";
    case MoveKind::kWrite:
      return node + " writes";
    case MoveKind::kStore:
      return node + " stores";
    case MoveKind::kEvict:
      return node + " evicts";
    case MoveKind::kResult:
      return node + " sees its chain's end" + (move.option != 0 ? ", and nobody waits" : "");
    case MoveKind::kHoldOver:
      return node + ": hold is over";
    case MoveKind::kContinue:
      return node + " goes on:";
    case MoveKind::kExecute:
      return "home: of " + node + ", " + Describe(world.nodes[move.node].queue[0]);
    case MoveKind::kOvertake:
      return "home: a later operation of " + node + " overtakes its WRITE";
    case MoveKind::kDeliver:
      return node + " receives " + Name(world.channels[move.peer][move.node][0].Kind()) + " from " +
             Number(move.peer) + ((move.option & Move::kHeld) != 0 ? ", held" : "") +
             ((move.option & Move::kCannotDefer) != 0 ? ", cannot defer" : "");
    case MoveKind::kStop:
      return node + " stops for ever";
    case MoveKind::kStopHome:
      return "the home stops for ever";
    case MoveKind::kLoseQueue:
      return "what " + node + " had posted is lost";
    case MoveKind::kLearn:
      return node + " is told that " + Number(move.peer) + " has stopped";
    case MoveKind::kChainFailed:
      return node + " is told that its chain has failed";
  }
  return "?";
}

std::string Describe(const NodeView& view) {
  if (view.stopped != 0 && view.queued == 0) return "stopped";
  std::string text = view.stopped != 0 ? "stopped" : directory::Name(view.state);
  if (view.own_bit != 0) text += " own-bit";
  if (view.poisoned != 0) text += " poisoned";
  if (view.page_here != 0) text += " page-here";
  if (view.partner_plus_one != 0) text += " partner=" + PlusOne(view.partner_plus_one);
  if (view.need != 0) text += " need=" + Set(view.need);
  static constexpr std::array<const char*, 3> kMappings = {"", " maps read-only", " maps writable"};
  text += kMappings[static_cast<size_t>(view.mapping)];
  if (view.chain == Chain::kInFlight) text += " chain in flight";
  if (view.chain == Chain::kDone) {
    text += " chain done (holder " + PlusOne(view.found_plus_one) + ", bits " +
            Set(view.found_sharers) + ")";
  }
  for (uint32_t index = 0; index < view.deferred_count; ++index) {
    text += " deferred " + Number(view.deferred[index] / 2u) +
            (view.deferred[index] % 2 != 0 ? "(exclusive)" : "(shared)");
  }
  if (view.waiting != 0) text += " thread waiting";
  if (view.pending_count != 0) text += " effects pending";
  if (view.queued != 0) text += " posted:";
  for (uint32_t index = 0; index < view.queued; ++index) {
    text += (index != 0 ? "; " : " ") + Describe(view.queue[index]);
  }
  return text;
}

}  // namespace

std::vector<std::string> Describe(const World& world, const Variant& variant) {
  std::vector<std::string> lines;
  lines.push_back(world.home_stopped != 0
                      ? "  home: stopped"
                      : "  home: holder " + PlusOne(world.holder_plus_one) + ", bits " +
                            Set(world.bits) + ", page " +
                            (world.frame_current != 0 ? "is the last write" : "is older"));
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    lines.push_back("  node " + Number(node) + ": " + Describe(world.nodes[node]));
    for (uint32_t to = 0; to < variant.nodes; ++to) {
      for (uint32_t index = 0; index < world.MessageCount(node, to); ++index) {
        lines.push_back("    under way to " + Number(to) + ": " +
                        Name(world.channels[node][to][index].Kind()));
      }
    }
  }
  return lines;
}

void Retrace(const Variant& variant, const StepFunction& step, Fault fault,
             const std::vector<uint64_t>& fingerprints, bool one_more, Exploration& result) {
  Executor executor(variant, step, fault);
  std::string log;
  executor.set_log(&log);
  World world;
  std::vector<Move> moves;
  // Makes the first move that `wanted` accepts, and notes it.
  const auto advance = [&](auto wanted) {
    ListMoves(world, executor, moves);
    for (const Move& move : moves) {
      World after = world;
      log = Describe(move, world);
      Make(move, after, executor);
      const bool found = executor.finding().has_value() || CheckState(after, variant).has_value();
      executor.finding().reset();
      if (!wanted(after, found)) continue;
      result.trace.push_back(std::to_string(++result.trace_steps) + ". " + log);
      world = after;
      return;
    }
    result.trace.emplace_back("(the history could not be retraced)");
  };
  for (size_t index = 1; index < fingerprints.size(); ++index) {
    advance([&](const World& after, bool found) {
      return !found && Fingerprint(after, variant) == fingerprints[index];
    });
  }
  if (one_more) advance([&](const World&, bool found) { return found; });
  for (std::string& line : Describe(world, variant)) result.trace.push_back(std::move(line));
}

}  // namespace farpage::model
