// What must have come before what, among the operations of a history.
#ifndef FARPAGE_TESTS_HISTORY_ORDER_GRAPH_H_
#define FARPAGE_TESTS_HISTORY_ORDER_GRAPH_H_

#include <cstdint>
#include <span>
#include <vector>

namespace farpage::history {

enum class Relation : uint8_t {
  kProgramOrder,
  kReadsFrom,  // a write, and a read of its value
  kCoherence,  // two writes to one location
  kFromRead,   // a read, and a write that came after the one it read from
};
const char* Name(Relation relation);

struct Edge {
  uint32_t from = 0;
  uint32_t to = 0;
  Relation relation = Relation::kProgramOrder;
  friend auto operator<=>(const Edge&, const Edge&) = default;
};

// Built once from its edges. All functions are linear but for ShortCycle(), which looks at no more
// than a bounded part.
class OrderGraph {
 public:
  OrderGraph(uint32_t nodes, std::span<const Edge> edges);

  // An order of all nodes that goes with every edge; shorter than that if there is a cycle.
  std::vector<uint32_t> Sort() const;
  // A cycle with as few edges other than program order as could be found, in which each edge leads
  // to the next and the last to the first; edges of program order that follow each other are one.
  // Empty if there is none.
  std::vector<Edge> ShortCycle() const;

  std::span<const Edge> EdgesFrom(uint32_t node) const {
    return std::span(edges_).subspan(begin_[node], begin_[node + 1] - begin_[node]);
  }
  uint32_t nodes() const { return static_cast<uint32_t>(begin_.size() - 1); }

 private:
  std::vector<bool> OnCycles() const;
  std::vector<Edge> CycleThrough(uint32_t start, const std::vector<bool>& on_cycles) const;

  std::vector<uint32_t> begin_;
  std::vector<Edge> edges_;  // by origin
};

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_ORDER_GRAPH_H_
