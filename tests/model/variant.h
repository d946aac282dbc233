// What is modelled: how many nodes, which of them is the home, and what may happen.
#ifndef FARPAGE_TESTS_MODEL_VARIANT_H_
#define FARPAGE_TESTS_MODEL_VARIANT_H_

#include <cstdint>

namespace farpage::model {

inline constexpr uint32_t kMostNodes = 4;

// Where the page's home is.
enum class Home : uint8_t {
  kPassive,  // memory that belongs to none of the nodes, or to a node that treats its own pages
             // like those of others: messages are not ordered with operations at the home
  kInPlace,  // node 0, which maps the frame itself
  kCopies,   // node 0, which copies its own pages like those of others
};

// Which events are explored. All of a node's choices are free within them.
struct Variant {
  const char* name = "";
  Home home = Home::kPassive;
  uint32_t nodes = 3;
  bool evict = true;
  bool ahead = false;      // results may find that nobody waits for the page any more
  bool hold = true;        // minimum holds and pins may be in force
  bool failures = false;   // one node may stop, or the home
  bool direct = false;     // the home's memory is mapped by all: operations execute as soon as they
                           // are posted, and pages are copied out of it when they are installed
  bool two_words = false;  // the sharer bits are in two words, read one after the other
  bool fine = false;       // other nodes may act between any two effects of one step

  bool has_home_node() const { return home != Home::kPassive; }
  // Messages to the node travel behind the operations that the sender has posted to the home.
  bool OrderedTo(uint32_t node) const { return has_home_node() && node == 0 && !direct; }
  bool InPlace(uint32_t node) const { return home == Home::kInPlace && node == 0; }
  uint32_t bit_words() const { return two_words ? 2 : 1; }
  // The word that holds the node's sharer bit.
  uint32_t WordOf(uint32_t node) const { return two_words && node >= (nodes + 1) / 2 ? 1 : 0; }
  // Nodes of one class can be exchanged without changing anything. Never decreases with `node`.
  uint32_t ClassOf(uint32_t node) const {
    return (has_home_node() && node > 0 ? 1u : 0u) + 2 * WordOf(node);
  }
};

}  // namespace farpage::model

#endif  // FARPAGE_TESTS_MODEL_VARIANT_H_
