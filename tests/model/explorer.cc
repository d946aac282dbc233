#include "tests/model/explorer.h"

#include <algorithm>
#include <utility>

#include "tests/model/frontier.h"
#include "tests/model/moves.h"
#include "tests/model/trace.h"
#include "tests/model/visited.h"

namespace farpage::model {
namespace {

// The steps between states that need no new access, to see from where rest can be reached.
class Progress {
 public:
  // To be called for the states in the order of their numbers.
  void Add(const std::vector<uint32_t>& next, bool at_rest) {
    next_.insert(next_.end(), next.begin(), next.end());
    counts_.push_back(static_cast<uint8_t>(next.size()));
    done_.push_back(at_rest ? 1 : 0);
  }
  // The first state from which no state at rest can be reached, or Visited::kNone.
  uint32_t FirstStuck() {
    for (bool changed = true; changed;) {
      changed = false;
      size_t end = next_.size();
      for (size_t state = counts_.size(); state-- > 0;) {  // rest is mostly farther from the start
        const size_t begin = end - counts_[state];
        if (done_[state] == 0 && AnyDone(begin, end)) {
          done_[state] = 1;
          changed = true;
        }
        end = begin;
      }
    }
    const auto stuck = std::find(done_.begin(), done_.end(), 0);
    return stuck == done_.end() ? Visited::kNone : static_cast<uint32_t>(stuck - done_.begin());
  }

 private:
  bool AnyDone(size_t begin, size_t end) const {
    for (size_t index = begin; index < end; ++index) {
      if (done_[next_[index]] != 0) return true;
    }
    return false;
  }

  std::vector<uint32_t> next_;
  std::vector<uint8_t> counts_;
  std::vector<uint8_t> done_;
};

std::vector<uint64_t> PathTo(const Visited& visited, uint32_t state) {
  std::vector<uint64_t> path;
  for (; state != Visited::kNone; state = visited.parent(state)) {
    path.push_back(visited.fingerprint(state));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace

Exploration Explore(const Variant& variant, const StepFunction& step, Fault fault,
                    const Limits& limits) {
  Exploration result;
  Executor executor(variant, step, fault);
  Visited visited;
  Frontier<World> frontier;
  Progress progress;
  std::vector<uint32_t> depths;  // number of the first state of each level
  std::vector<Move> moves;
  std::vector<uint32_t> next;

  const World start;
  visited.Insert(Fingerprint(start, variant), Visited::kNone);
  frontier.Push(start);
  uint32_t level_end = 1;
  for (uint32_t state = 0; !frontier.empty() && visited.size() < limits.most_states; ++state) {
    if (state == level_end) {
      ++result.depth;
      level_end = static_cast<uint32_t>(visited.size());
    }
    const World world = frontier.Pop();
    result.states = visited.size();
    ListMoves(world, executor, moves);
    next.clear();
    bool can_progress = false;
    for (const Move& move : moves) {
      World after = world;
      const bool changed = Make(move, after, executor);
      std::optional<Finding> finding = std::exchange(executor.finding(), std::nullopt);
      if (!finding.has_value() && changed) finding = CheckState(after, variant);
      if (finding.has_value()) {
        result.finding = std::move(finding);
        Retrace(variant, step, fault, PathTo(visited, state), true, result);
        return result;
      }
      if (!changed) continue;
      ++result.transitions;
      const auto [number, is_new] = visited.Insert(Fingerprint(after, variant), state);
      if (is_new) frontier.Push(after);
      if (move.IsProgress(world)) {
        can_progress = can_progress || number != state;
        next.push_back(number);
      }
    }
    const bool at_rest = AtRest(world, variant);
    if (!at_rest && !can_progress) {
      result.finding = Finding{Property::kProgress, "nothing more can happen"};
      Retrace(variant, step, fault, PathTo(visited, state), false, result);
      return result;
    }
    if (limits.check_completion) progress.Add(next, at_rest);
  }
  result.complete = frontier.empty();
  result.coverage = executor.coverage();
  if (limits.check_completion && result.complete) {
    const uint32_t stuck = progress.FirstStuck();
    if (stuck != Visited::kNone) {
      result.finding = Finding{Property::kCompletion, "what was begun can never be completed"};
      Retrace(variant, step, fault, PathTo(visited, stuck), false, result);
    }
  }
  return result;
}

}  // namespace farpage::model
