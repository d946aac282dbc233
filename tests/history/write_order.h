// What is known of the order in which a location's writes took effect.
#ifndef FARPAGE_TESTS_HISTORY_WRITE_ORDER_H_
#define FARPAGE_TESTS_HISTORY_WRITE_ORDER_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tests/history/history.h"
#include "tests/history/order_graph.h"

namespace farpage::history {

// Nodes are the operations by number, then the initial value of each location.
class WriteOrder {
 public:
  // Every value that was seen must have been written.
  WriteOrder(const History& history, const WriteIndex& index);

  uint32_t nodes() const { return history_.size() + history_.locations(); }
  // Whether the writes of every location are known to form one sequence.
  bool complete() const { return open_locations_ == 0; }

  // Program order, reads-from, and what is known of coherence and from-read.
  std::vector<Edge> Edges() const { return EdgesOf(pairs_); }
  // The same if the writes of each location were in this order (initial values left out). Locations
  // whose order is known keep it.
  std::vector<Edge> EdgesWith(const std::vector<std::vector<uint32_t>>& orders) const;
  // The writes of each location as they come in an order of all nodes.
  std::vector<std::vector<uint32_t>> OrdersFrom(const std::vector<uint32_t>& order) const;

  // Learns what the graph of Edges(), whose nodes are given in an `order` that goes with it, forces
  // on writes. False if nothing is new.
  bool Infer(const OrderGraph& graph, const std::vector<uint32_t>& order);

 private:
  using Pair = std::pair<uint32_t, uint32_t>;  // of writes: the first came before the second

  std::vector<Edge> EdgesOf(const std::vector<Pair>& pairs) const;
  uint32_t InitialOf(uint32_t location) const { return history_.size() + location; }
  uint32_t WriteOf(uint32_t location, uint64_t value) const;
  void LearnFromThreads();
  void LearnFromExchanges(std::vector<Pair>& found) const;
  void CountOpenLocations();
  bool Learn(std::vector<Pair> found);

  const History& history_;
  const WriteIndex& index_;
  std::vector<uint32_t> sources_;  // of each read: the write it read from
  std::vector<Pair> pairs_;        // sorted, without repetition
  std::vector<bool> open_;         // by location: several threads write, without exchanges
  uint32_t open_locations_ = 0;
  std::vector<std::vector<uint32_t>> own_writes_;  // thread × location: numbers, ascending
};

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_WRITE_ORDER_H_
