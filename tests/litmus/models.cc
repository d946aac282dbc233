#include "tests/litmus/models.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace farpage::litmus {
namespace {

using Mask = uint32_t;  // a set of events

Mask Bit(size_t event) { return Mask{1} << event; }

struct Event {
  Access access;  // a read's value is what it returned
  uint32_t thread = 0;
};

// What must come before each event.
using Order = std::vector<Mask>;

class Execution {
 public:
  Execution(const Program& program, const Values& outcome) : program_(program) {
    size_t next = 0;
    for (uint32_t thread = 0; thread < program.threads.size(); ++thread) {
      for (Access access : program.threads[thread]) {
        if (!access.write) access.value = outcome[next++];
        events_.push_back({access, thread});
      }
    }
  }

  bool Allowed(Model model) const {
    const Order program_order = ProgramOrder();
    switch (model) {
      case Model::kLinearizable:
        return HasView(All(), WithRealTime(program_order));
      case Model::kSequential:
        return HasView(All(), program_order);
      case Model::kPram:
        return ForEachThread(program_order);
      case Model::kCausal:
      case Model::kCausalCoherent: {
        const std::optional<Order> causal = Causal(program_order);
        if (!causal.has_value()) return false;
        return model == Model::kCausal ? ForEachThread(*causal) : Coherent(*causal);
      }
    }
    return false;
  }

 private:
  Mask All() const { return Bit(events_.size()) - 1; }
  Mask OwnAndWrites(uint32_t thread) const {
    Mask mask = 0;
    for (size_t event = 0; event < events_.size(); ++event) {
      if (events_[event].access.write || events_[event].thread == thread) mask |= Bit(event);
    }
    return mask;
  }

  Order ProgramOrder() const {
    Order order(events_.size(), 0);
    for (size_t event = 1; event < events_.size(); ++event) {
      if (events_[event].thread != events_[event - 1].thread) continue;
      order[event] = order[event - 1] | Bit(event - 1);
    }
    return order;
  }

  Order WithRealTime(Order order) const {
    for (const auto& [first, second] : program_.in_turn) {
      for (size_t event = 0; event < events_.size(); ++event) {
        if (events_[event].thread != second) continue;
        for (size_t before = 0; before < events_.size(); ++before) {
          if (events_[before].thread == first) order[event] |= Bit(before);
        }
      }
    }
    return order;
  }

  // The transitive closure with reads-from; nothing if that has a cycle, or if a read returned what
  // nobody wrote.
  std::optional<Order> Causal(Order order) const {
    for (size_t read = 0; read < events_.size(); ++read) {
      const Access& access = events_[read].access;
      if (access.write || access.value == 0) continue;
      const auto source = std::find_if(events_.begin(), events_.end(), [&](const Event& event) {
        return event.access.write && event.access.location == access.location &&
               event.access.value == access.value;
      });
      if (source == events_.end()) return std::nullopt;
      order[read] |= Bit(static_cast<size_t>(source - events_.begin()));
    }
    for (size_t turn = 0; turn < events_.size(); ++turn) {
      for (Mask& before : order) {
        for (size_t event = 0; event < events_.size(); ++event) {
          if ((before & Bit(event)) != 0) before |= order[event];
        }
      }
    }
    for (size_t event = 0; event < events_.size(); ++event) {
      if ((order[event] & Bit(event)) != 0) return std::nullopt;
    }
    return order;
  }

  bool ForEachThread(const Order& order) const {
    for (uint32_t thread = 0; thread < program_.threads.size(); ++thread) {
      if (!HasView(OwnAndWrites(thread), order)) return false;
    }
    return true;
  }

  // One order of each location's writes for all views: every choice is tried.
  bool Coherent(const Order& order) const {
    std::vector<std::vector<size_t>> writes(program_.locations());
    for (size_t event = 0; event < events_.size(); ++event) {
      const Access& access = events_[event].access;
      if (access.write) writes[access.location].push_back(event);
    }
    const std::function<bool(size_t, const Order&)> choose = [&](size_t location,
                                                                 const Order& chosen) {
      if (location == writes.size()) return ForEachThread(chosen);
      std::vector<size_t> sequence = writes[location];
      do {
        Order more = chosen;
        for (size_t place = 1; place < sequence.size(); ++place) {
          for (size_t before = 0; before < place; ++before) {
            more[sequence[place]] |= Bit(sequence[before]);
          }
        }
        if (choose(location + 1, more)) return true;
      } while (std::next_permutation(sequence.begin(), sequence.end()));
      return false;
    };
    return choose(0, order);
  }

  bool HasView(Mask events, const Order& order) const {
    std::vector<uint64_t> memory(program_.locations(), 0);
    return Extend(events, order, memory);
  }

  bool Extend(Mask left, const Order& order, std::vector<uint64_t>& memory) const {
    if (left == 0) return true;
    for (size_t event = 0; event < events_.size(); ++event) {
      if ((left & Bit(event)) == 0 || (order[event] & left) != 0) continue;
      const Access& access = events_[event].access;
      uint64_t& word = memory[access.location];
      if (!access.write && word != access.value) continue;
      const uint64_t saved = word;
      word = access.value;
      if (Extend(left & ~Bit(event), order, memory)) return true;
      word = saved;
    }
    return false;
  }

  const Program& program_;
  std::vector<Event> events_;
};

}  // namespace

const char* Name(Model model) {
  static constexpr std::array<const char*, kModels> kNames = {
      "linearizable", "sequential", "causal and coherent", "causal", "PRAM"};
  return kNames[static_cast<size_t>(model)];
}

uint32_t Program::locations() const {
  uint32_t count = 0;
  for (const auto& thread : threads) {
    for (const Access& access : thread) count = std::max(count, access.location + 1);
  }
  return count;
}

uint32_t Program::reads() const {
  uint32_t count = 0;
  for (const auto& thread : threads) {
    for (const Access& access : thread) count += access.write ? 0 : 1;
  }
  return count;
}

bool Allows(Model model, const Program& program, const Values& outcome) {
  return Execution(program, outcome).Allowed(model);
}

std::vector<Values> AllOutcomes(const Program& program) {
  std::vector<Values> outcomes = {{}};
  for (const auto& thread : program.threads) {
    for (const Access& read : thread) {
      if (read.write) continue;
      std::vector<uint64_t> values = {0};
      for (const auto& other : program.threads) {
        for (const Access& write : other) {
          if (write.write && write.location == read.location) values.push_back(write.value);
        }
      }
      std::sort(values.begin(), values.end());
      std::vector<Values> longer;
      for (const Values& outcome : outcomes) {
        for (uint64_t value : values) {
          longer.push_back(outcome);
          longer.back().push_back(value);
        }
      }
      outcomes = std::move(longer);
    }
  }
  return outcomes;
}

}  // namespace farpage::litmus
