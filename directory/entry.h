// How a page's directory entry lies in its home's registered memory.
//
//     word 0      holder: 0 = none, else node id + 1
//     word 1 …    sharer bits, 64 nodes a word
//
// All words are changed by fabric atomics only, by the home too. A sharer bit is changed by the
// node it stands for, so fetch-and-add cannot carry; the holder word is changed by the holder, or,
// when it is 0, by whoever wins the compare-and-swap.
#ifndef FARPAGE_DIRECTORY_ENTRY_H_
#define FARPAGE_DIRECTORY_ENTRY_H_

#include <cstdint>

#include "directory/node_set.h"
#include "transport/types.h"

namespace farpage::directory {

// The layout for a cluster of `nodes` nodes. Up to 64 nodes an entry takes 16 bytes.
class EntryLayout {
 public:
  constexpr explicit EntryLayout(uint32_t nodes) : bit_words_((nodes + 63) / 64) {}

  constexpr uint32_t bit_words() const { return bit_words_; }
  constexpr uint32_t words() const { return 1 + bit_words_; }
  constexpr uint32_t bytes() const { return 8 * words(); }

  // Offset in the entry of the word that has the node's sharer bit, and the bit's value.
  static constexpr uint32_t BitOffset(NodeId node) { return 8 + 8 * (node.value() / 64u); }
  static constexpr uint64_t BitValue(NodeId node) { return uint64_t{1} << (node.value() % 64); }

  // Reads the sharers out of an entry's words.
  constexpr NodeSet Sharers(const uint64_t* entry) const {
    NodeSet sharers;
    for (uint32_t index = 0; index < bit_words_; ++index) {
      sharers.set_word(index, entry[1 + index]);
    }
    return sharers;
  }

 private:
  uint32_t bit_words_;
};

inline constexpr uint64_t kNoHolder = 0;

constexpr uint64_t EncodeHolder(NodeId node) {
  return node.valid() ? node.value() + 1u : kNoHolder;
}

// True if `word` can be a holder word in a cluster of `nodes` nodes.
constexpr bool IsHolderWord(uint64_t word, uint32_t nodes) { return word <= nodes; }

constexpr NodeId DecodeHolder(uint64_t word) {
  return word == kNoHolder ? NodeId::None() : NodeId(static_cast<uint32_t>(word - 1));
}

// What to add to the holder word, modulo 2^64, to pass it from `holder` to `next` (or to none).
constexpr uint64_t HolderChange(NodeId holder, NodeId next) {
  return EncodeHolder(next) - EncodeHolder(holder);
}

}  // namespace farpage::directory

#endif  // FARPAGE_DIRECTORY_ENTRY_H_
