#include "tests/model/release_explorer.h"

#include <algorithm>
#include <utility>

#include "tests/model/frontier.h"
#include "tests/model/visited.h"

namespace farpage::release_model {
namespace {

using model::Frontier;
using model::Visited;

std::string BitsOf(Bits bits, uint32_t count) {
  std::string text;
  for (uint32_t bit = 0; bit < count; ++bit) text += (bits >> bit & 1) != 0 ? '-' : '+';
  return text;
}

std::string Describe(const Copy& copy, const Variant& variant) {
  static constexpr std::array<const char*, 3> kMappings = {"", ", maps read-only ",
                                                           ", maps writable "};
  std::string text = Name(copy.page.state);
  if (copy.page.owed) text += " owed";
  if (copy.page.stale) text += " stale";
  if (copy.in_list != 0) text += " listed";
  if (copy.pinned != 0) text += " pinned";
  text += kMappings[static_cast<size_t>(copy.mapping)];
  if (copy.mapping != Mapping::kNone) text += BitsOf(copy.content, variant.bytes);
  if (copy.has_twin != 0) text += ", twin " + BitsOf(copy.twin, variant.bytes);
  if (copy.fetch == Fetch::kLanded) text += ", landed " + BitsOf(copy.landing, variant.bytes);
  return text;
}

// Contents are shown byte by byte: + as last written, - the other value. Logs by how many entries
// before their ends.
void DescribeState(const World& world, const Variant& variant, std::vector<std::string>& lines) {
  for (uint32_t page = 0; page < variant.pages; ++page) {
    lines.push_back("  page " + std::to_string(page) +
                    " at home: " + BitsOf(world.frames[page], variant.bytes));
  }
  for (uint32_t node = 0; node < variant.nodes; ++node) {
    const NodeView& view = world.nodes[node];
    for (uint32_t page = 0; page < variant.pages; ++page) {
      std::string line = "  node " + std::to_string(node);
      if (variant.pages > 1) line += ", page " + std::to_string(page);
      line += variant.AtHome(node, page) ? " (home): " : ": ";
      line += Describe(view.copies[page], variant);
      lines.push_back(line);
    }
    std::string seen = "    has not seen:";
    for (uint32_t other = 0; other < variant.nodes; ++other) {
      if (other == node) continue;
      seen += " " + std::to_string(world.nodes[other].length - view.seen[other]) + " of node " +
              std::to_string(other);
    }
    if (view.queued != 0) seen += "; " + std::to_string(view.queued) + " operations under way";
    lines.push_back(seen);
  }
}

std::vector<uint64_t> PathTo(const Visited& visited, uint32_t state) {
  std::vector<uint64_t> path;
  for (; state != Visited::kNone; state = visited.parent(state)) {
    path.push_back(visited.fingerprint(state));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// Writes steps through states with these fingerprints to result.trace, then one that is wrong.
void Retrace(Machine& machine, const Script* script, const std::vector<uint64_t>& path,
             bool one_more, Exploration& result) {
  const Variant& variant = machine.variant();
  std::string log;
  machine.set_log(&log);
  World world = StartOf(variant);
  std::vector<Move> moves;
  const auto advance = [&](auto wanted) {
    ListMoves(world, machine, script, moves);
    for (const Move& move : moves) {
      World after = world;
      log = Describe(move);
      Make(move, after, machine, script);
      const bool found = machine.finding().has_value() || CheckState(after, variant).has_value();
      machine.finding().reset();
      if (!wanted(after, found)) continue;
      result.trace.push_back(std::to_string(++result.trace_steps) + ". " + log);
      world = after;
      return;
    }
    result.trace.emplace_back("(the history could not be retraced)");
  };
  for (size_t index = 1; index < path.size(); ++index) {
    advance([&](const World& after, bool) { return Fingerprint(after, variant) == path[index]; });
  }
  if (one_more) advance([](const World&, bool found) { return found; });
  DescribeState(world, variant, result.trace);
}

bool ScriptEnded(const World& world, const Script& script) {
  for (uint32_t node = 0; node < kMostNodes; ++node) {
    if (world.nodes[node].next_step != script.threads[node].size()) return false;
  }
  return true;
}

void NoteOutcome(const World& world, const Script& script, Exploration& result) {
  if (!ScriptEnded(world, script)) return;
  const bool missed = std::any_of(world.nodes.begin(), world.nodes.end(),
                                  [](const NodeView& view) { return view.missed != 0; });
  (missed ? result.seen_missed : result.seen_new) = true;
}

}  // namespace

Exploration Explore(const Variant& variant, const StepFunction& step, Fault fault,
                    const Script* script, uint64_t most_states) {
  Exploration result;
  Machine machine(variant, step, fault);
  Visited visited;
  Frontier<World> frontier;
  std::vector<Move> moves;
  const auto found = [&](Finding finding, uint32_t state, bool one_more) {
    result.finding = std::move(finding);
    Retrace(machine, script, PathTo(visited, state), one_more, result);
  };

  const World start = StartOf(variant);
  visited.Insert(Fingerprint(start, variant), Visited::kNone);
  frontier.Push(start);
  uint32_t level_end = 1;
  for (uint32_t state = 0; !frontier.empty() && visited.size() < most_states; ++state) {
    if (state == level_end) {
      ++result.depth;
      level_end = static_cast<uint32_t>(visited.size());
    }
    const World world = frontier.Pop();
    result.states = visited.size();
    ListMoves(world, machine, script, moves);
    bool can_progress = false;
    for (const Move& move : moves) {
      World after = world;
      Make(move, after, machine, script);
      std::optional<Finding> finding = std::exchange(machine.finding(), std::nullopt);
      if (!finding.has_value() && script == nullptr) finding = CheckState(after, variant);
      if (finding.has_value()) {
        found(*std::move(finding), state, true);
        return result;
      }
      ++result.transitions;
      const auto [number, is_new] = visited.Insert(Fingerprint(after, variant), state);
      if (is_new) {
        frontier.Push(after);
        if (script != nullptr) NoteOutcome(after, *script, result);
      }
      can_progress = can_progress || (move.IsProgress(world) && number != state);
    }
    // Every such step brings one thing nearer to its end and nothing else farther from it.
    if (script == nullptr && !can_progress && !AtRest(world, variant)) {
      found({Property::kProgress, "nothing more can happen"}, state, false);
      return result;
    }
  }
  result.complete = frontier.empty();
  result.coverage = machine.coverage();
  return result;
}

}  // namespace farpage::release_model
