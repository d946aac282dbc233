#include "tests/history/small_histories.h"

#include <functional>

namespace farpage::history {

Operation Read(uint32_t location, uint64_t value, int64_t invoked, int64_t responded) {
  return {value, 0, invoked, responded, location, Kind::kRead};
}

Operation Write(uint32_t location, uint64_t value, int64_t invoked, int64_t responded) {
  return {value, 0, invoked, responded, location, Kind::kWrite};
}

Operation Exchange(uint32_t location, uint64_t replaced, uint64_t value, int64_t invoked,
                   int64_t responded) {
  return {value, replaced, invoked, responded, location, Kind::kExchange};
}

History OfOutcome(const litmus::Program& program, const litmus::Values& outcome) {
  std::vector<std::vector<Operation>> threads;
  size_t next = 0;
  for (const auto& thread : program.threads) {
    std::vector<Operation>& operations = threads.emplace_back();
    int64_t now = 0;
    for (const litmus::Access& access : thread) {
      operations.push_back(access.write ? Write(access.location, access.value, now, now + 5)
                                        : Read(access.location, outcome[next++], now, now + 5));
      now += 10;
    }
  }
  return History(threads);
}

History RandomHistory(const RandomLimits& limits, std::minstd_rand& random) {
  const auto below = [&random](uint32_t bound) { return static_cast<uint32_t>(random() % bound); };
  std::vector<std::vector<Operation>> threads(limits.threads);
  std::vector<uint64_t> values(limits.locations, 0);
  for (std::vector<Operation>& thread : threads) {
    int64_t now = below(20);
    for (uint32_t count = below(limits.operations + 1); count > 0; --count) {
      Operation operation{
          .invoked_ns = now, .responded_ns = now + below(20), .location = below(limits.locations)};
      operation.kind = static_cast<Kind>(below(limits.exchanges ? 3 : 2));
      if (operation.writes()) operation.value = ++values[operation.location];
      thread.push_back(operation);
      now = operation.responded_ns + 1 + below(10);
    }
  }
  for (std::vector<Operation>& thread : threads) {
    for (Operation& operation : thread) {
      const auto any = [&] { return below(static_cast<uint32_t>(values[operation.location]) + 1); };
      if (operation.kind == Kind::kRead) operation.value = any();
      if (operation.kind == Kind::kExchange) operation.replaced = any();
    }
  }
  return History(threads);
}

bool HasSequentialOrder(const History& history, bool real_time) {
  std::vector<uint32_t> next(history.threads());
  for (uint32_t thread = 0; thread < history.threads(); ++thread) {
    next[thread] = history.ThreadBegin(thread);
  }
  std::vector<uint64_t> memory(history.locations(), kInitialValue);
  const auto left = [&](uint32_t thread) { return next[thread] < history.ThreadBegin(thread + 1); };
  const std::function<bool()> extend = [&] {
    bool any = false;
    for (uint32_t thread = 0; thread < history.threads(); ++thread) {
      if (!left(thread)) continue;
      any = true;
      const Operation& operation = history[next[thread]];
      bool fits = true;
      for (uint32_t other = 0; real_time && other < history.threads(); ++other) {
        fits = fits && !(left(other) && history[next[other]].Precedes(operation));
      }
      uint64_t& word = memory[operation.location];
      if (operation.kind == Kind::kRead) fits = fits && word == operation.value;
      if (operation.kind == Kind::kExchange) fits = fits && word == operation.replaced;
      if (!fits) continue;
      const uint64_t saved = word;
      if (operation.writes()) word = operation.value;
      ++next[thread];
      if (extend()) return true;
      --next[thread];
      word = saved;
    }
    return !any;
  };
  return extend();
}

}  // namespace farpage::history
