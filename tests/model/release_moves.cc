#include "tests/model/release_moves.h"

namespace farpage::release_model {

using directory::ReleaseInput;
using directory::ReleaseState;

namespace {

uint8_t Small(uint32_t value) { return static_cast<uint8_t>(value); }

// May the node enter or leave a lock or barrier? One thread at a time does.
bool IsFree(const NodeView& view) { return view.phase == Phase::kIdle && !Machine::Busy(view); }

bool CanStore(const World& world, const Variant& variant, uint32_t node, uint32_t page,
              uint32_t byte) {
  const Copy& copy = world.nodes[node].copies[page];
  const bool ordered = (world.order[page][byte] & OrderOfNode(node)) != 0;
  return byte < variant.bytes && copy.mapping == Mapping::kWritable && ordered;
}

void ListPageMoves(const World& world, const Variant& variant, uint32_t node, uint32_t page,
                   std::vector<Move>& moves) {
  const Copy& copy = world.nodes[node].copies[page];
  const auto add = [&](MoveKind kind, uint32_t option = 0) {
    moves.push_back({kind, Small(node), Small(page), Small(option)});
  };
  if (copy.pending_count != 0) {  // the record is locked
    add(MoveKind::kContinue);
    return;
  }
  const ReleaseState state = copy.page.state;
  const bool at_home = variant.AtHome(node, page);
  if (at_home) {
    if (state != ReleaseState::kDirty) add(MoveKind::kTouch, 1);
  } else if (state == ReleaseState::kInvalid) {
    add(MoveKind::kTouch);
    if (variant.touch_to_write) add(MoveKind::kTouch, 1);
  } else if (state == ReleaseState::kClean) {
    add(MoveKind::kTouch, 1);
  }
  if (copy.fetch == Fetch::kLanded) add(MoveKind::kFetched);
  if (copy.fetch == Fetch::kLanded && variant.failures) add(MoveKind::kFetchFails);
  const bool here = state == ReleaseState::kClean || state == ReleaseState::kDirty;
  if (variant.evict && !at_home && here && copy.pinned == 0) add(MoveKind::kEvict);
  if (variant.pins && copy.pinned != 0) add(MoveKind::kUnpin);
  if (variant.pins && copy.pinned == 0 && (here || at_home)) add(MoveKind::kPin);
}

void ListFreeMoves(const World& world, const Variant& variant, uint32_t node,
                   std::vector<Move>& moves) {
  const NodeView& view = world.nodes[node];
  const auto add = [&](MoveKind kind, uint32_t page, uint32_t option) {
    moves.push_back({kind, Small(node), Small(page), Small(option)});
  };
  if (view.stores != 0) {
    for (uint32_t page = 0; page < variant.pages; ++page) {
      for (uint32_t byte = 0; byte < variant.bytes; ++byte) {
        if (CanStore(world, variant, node, page, byte)) add(MoveKind::kStore, page, byte);
      }
    }
  }
  if (!IsFree(view)) return;
  const uint32_t most_others = view.others != 0 ? 1 : 0;
  for (uint32_t lock = 0; lock < variant.locks; ++lock) {
    const bool held = (view.held >> lock & 1) != 0;
    // In ascending order: whoever does otherwise may wait for ever, and it would be right.
    if (!held && view.held >> lock == 0 && view.acquisitions != 0) add(MoveKind::kLock, lock, 0);
    for (uint32_t other = 0; held && other <= most_others; ++other) {
      add(MoveKind::kUnlock, lock, other);
    }
  }
  for (uint32_t other = 0; view.held == 0 && view.barriers != 0 && other <= most_others; ++other) {
    add(MoveKind::kBarrier, 0, other);
  }
}

void ListScriptMove(const World& world, const Script& script, uint32_t node,
                    std::vector<Move>& moves) {
  const NodeView& view = world.nodes[node];
  if (view.next_step == script.threads[node].size() || !IsFree(view)) return;
  const ScriptStep& step = script.threads[node][view.next_step];
  if (world.nodes[step.after].next_step < step.steps) return;
  if (world.nodes[step.after].phase != Phase::kIdle && step.steps != 0 && step.after != node)
    return;
  const Copy& copy = view.copies[step.page];
  if (step.kind == MoveKind::kStore && copy.mapping != Mapping::kWritable) return;
  if (step.kind == MoveKind::kLoad && copy.mapping == Mapping::kNone) return;
  moves.push_back({step.kind, Small(node), step.page, step.option});
}

}  // namespace

bool Move::IsProgress(const World& before) const {
  switch (kind) {
    case MoveKind::kFetched:
    case MoveKind::kContinue:
    case MoveKind::kExecute:
    case MoveKind::kUnlock:
    case MoveKind::kAdvance:
      return true;
    case MoveKind::kBarrier:
      return before.arrived != 0;
    default:
      return false;
  }
}

void ListMoves(const World& world, const Machine& machine, const Script* script,
               std::vector<Move>& moves) {
  const Variant& variant = machine.variant();
  moves.clear();
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    for (uint32_t page = 0; page < variant.pages; ++page) {
      ListPageMoves(world, variant, node, page, moves);
    }
    for (uint32_t at = 0; at < view.queued; ++at) {
      if (machine.CanExecute(view, at))
        moves.push_back({MoveKind::kExecute, Small(node), 0, Small(at)});
    }
    if (machine.CanAdvance(world, node)) moves.push_back({MoveKind::kAdvance, Small(node)});
    if (script != nullptr) {
      ListScriptMove(world, *script, node, moves);
    } else {
      ListFreeMoves(world, variant, node, moves);
    }
  }
}

void Make(const Move& move, World& world, Machine& machine, const Script* script) {
  NodeView& view = world.nodes[move.node];
  Copy& copy = view.copies[move.page % kMostPages];
  const auto spend = [&](uint8_t& left) {
    if (script == nullptr && left != Variant::kUnlimited) --left;
  };
  const auto feed = [&](ReleaseInput input) { machine.Feed(world, move.node, move.page, input); };
  switch (move.kind) {
    case MoveKind::kTouch:
      feed(move.option != 0 ? ReleaseInput::kWrite : ReleaseInput::kRead);
      break;
    case MoveKind::kFetched:
      feed(copy.to_write != 0 ? ReleaseInput::kFetchedToWrite : ReleaseInput::kFetched);
      break;
    case MoveKind::kFetchFails:
      feed(ReleaseInput::kFetchFailed);
      break;
    case MoveKind::kEvict:
      feed(ReleaseInput::kEvict);
      break;
    case MoveKind::kPin:
      copy.pinned = 1;
      break;
    case MoveKind::kUnpin:
      copy.pinned = 0;
      break;
    case MoveKind::kContinue:
      machine.Continue(world, move.node, move.page);
      break;
    case MoveKind::kStore:
      spend(view.stores);
      machine.Store(world, move.node, move.page, move.option);
      break;
    case MoveKind::kLoad: {
      const Bits content =
          machine.variant().AtHome(move.node, move.page) ? world.frames[move.page] : copy.content;
      view.missed = content >> move.option & 1;
      break;
    }
    case MoveKind::kExecute:
      machine.Execute(world, move.node, move.option);
      break;
    case MoveKind::kLock:
      spend(view.acquisitions);
      machine.BeginLock(world, move.node, move.page);
      break;
    case MoveKind::kUnlock:
      if (move.option != 0) spend(view.others);
      machine.BeginUnlock(world, move.node, move.page, move.option != 0);
      break;
    case MoveKind::kBarrier:
      spend(view.barriers);
      if (move.option != 0) spend(view.others);
      machine.BeginBarrier(world, move.node, move.option != 0);
      break;
    case MoveKind::kAdvance:
      machine.Advance(world, move.node);
      break;
  }
  const bool scripted = move.kind == MoveKind::kStore || move.kind == MoveKind::kLoad ||
                        move.kind == MoveKind::kLock || move.kind == MoveKind::kUnlock ||
                        move.kind == MoveKind::kBarrier;
  if (script != nullptr && scripted) ++view.next_step;
  Normalise(world, machine.variant());
}

bool AtRest(const World& world, const Variant& variant) {
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    if (view.phase != Phase::kIdle || view.held != 0 || view.queued != 0 || Machine::Busy(view)) {
      return false;
    }
    for (const Copy& copy : view.copies) {
      if (copy.page.state == ReleaseState::kFetching) return false;
    }
  }
  return true;
}

std::string Describe(const Move& move) {
  static constexpr std::array<const char*, 14> kNames = {
      "faults", "has fetched", "fails to fetch", "evicts",  "pins",
      "unpins", "goes on",     "stores to",      "loads",   "has an operation executed",
      "locks",  "unlocks",     "to the barrier", "advances"};
  std::string text =
      "node " + std::to_string(move.node) + " " + kNames[static_cast<size_t>(move.kind)];
  if (move.kind == MoveKind::kTouch && move.option != 0) text += " to write";
  const bool bytes = move.kind == MoveKind::kStore || move.kind == MoveKind::kLoad;
  if (bytes) text += " byte " + std::to_string(move.option) + " of";
  if (move.kind == MoveKind::kLock || move.kind == MoveKind::kUnlock) {
    text += " lock " + std::to_string(move.page);
  } else if (move.kind <= MoveKind::kLoad) {
    text += " page " + std::to_string(move.page);
  }
  const bool other = (move.kind == MoveKind::kUnlock || move.kind == MoveKind::kBarrier);
  if (other && move.option != 0) text += ", having written a page elsewhere";
  return text;
}

}  // namespace farpage::release_model
