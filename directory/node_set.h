// A set of nodes.
#ifndef FARPAGE_DIRECTORY_NODE_SET_H_
#define FARPAGE_DIRECTORY_NODE_SET_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "transport/types.h"

namespace farpage::directory {

// A fixed-size bit set over node ids. Never allocates.
class NodeSet {
 public:
  static constexpr size_t kWords = kMaxNodes / 64;

  constexpr bool contains(NodeId node) const { return (words_[Word(node)] & Bit(node)) != 0; }
  constexpr void insert(NodeId node) { words_[Word(node)] |= Bit(node); }
  constexpr void erase(NodeId node) { words_[Word(node)] &= ~Bit(node); }
  constexpr void clear() { words_.fill(0); }

  constexpr bool empty() const {
    for (uint64_t word : words_) {
      if (word != 0) return false;
    }
    return true;
  }
  constexpr uint32_t count() const {
    uint32_t total = 0;
    for (uint64_t word : words_) total += static_cast<uint32_t>(std::popcount(word));
    return total;
  }

  // Nodes 64 · index … 64 · index + 63, lowest in the least significant bit.
  constexpr uint64_t word(size_t index) const { return words_[index]; }
  constexpr void set_word(size_t index, uint64_t bits) { words_[index] = bits; }

  // Calls visit(NodeId) in ascending order.
  template <typename Visit>
  constexpr void ForEach(Visit visit) const {
    for (size_t index = 0; index < kWords; ++index) {
      for (uint64_t rest = words_[index]; rest != 0; rest &= rest - 1) {
        visit(NodeId(static_cast<uint32_t>(64 * index) +
                     static_cast<uint32_t>(std::countr_zero(rest))));
      }
    }
  }

  friend constexpr bool operator==(const NodeSet&, const NodeSet&) = default;

 private:
  static constexpr size_t Word(NodeId node) { return node.value() / 64; }
  static constexpr uint64_t Bit(NodeId node) { return uint64_t{1} << (node.value() % 64); }

  std::array<uint64_t, kWords> words_{};
};

}  // namespace farpage::directory

#endif  // FARPAGE_DIRECTORY_NODE_SET_H_
