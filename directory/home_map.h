// Which node is the home of which page of a region: plain arithmetic, the same on every node.
#ifndef FARPAGE_DIRECTORY_HOME_MAP_H_
#define FARPAGE_DIRECTORY_HOME_MAP_H_

#include <cstdint>

#include "transport/types.h"

namespace farpage::directory {

// Pages are dealt to the nodes in blocks, starting at `first_home`. Block placement is one block a
// node, cyclic placement many, one home a single block.
class HomeMap {
 public:
  // `pages` ≥ 1, `block_pages` ≥ 1, first_home < nodes.
  constexpr HomeMap(uint64_t pages, uint32_t nodes, uint64_t block_pages, uint32_t first_home)
      : pages_(pages), block_pages_(block_pages), nodes_(nodes), first_home_(first_home) {}

  constexpr uint64_t pages() const { return pages_; }
  constexpr uint64_t block_pages() const { return block_pages_; }

  constexpr NodeId HomeOf(uint64_t page) const {
    return NodeId(static_cast<uint32_t>((page / block_pages_ + first_home_) % nodes_));
  }

  // The page's place among the pages of its home: index of its frame and directory entry there.
  constexpr uint64_t IndexAtHome(uint64_t page) const {
    return page / (block_pages_ * nodes_) * block_pages_ + page % block_pages_;
  }

  // How many pages from `page` on have consecutive places at the same home.
  constexpr uint64_t RunLength(uint64_t page) const {
    const uint64_t in_block = block_pages_ - page % block_pages_;
    return nodes_ == 1 ? pages_ - page : (in_block < pages_ - page ? in_block : pages_ - page);
  }

  // Frames the node needs: one more than its largest index (its last block may be partly used).
  constexpr uint64_t PagesAt(NodeId node) const {
    const uint64_t lane = (node.value() + nodes_ - first_home_) % nodes_;
    const uint64_t blocks = (pages_ + block_pages_ - 1) / block_pages_;
    const uint64_t own = blocks / nodes_ + (lane < blocks % nodes_ ? 1 : 0);
    if (own == 0) return 0;
    const bool has_last = (blocks - 1) % nodes_ == lane;
    const uint64_t unused = has_last ? blocks * block_pages_ - pages_ : 0;
    return own * block_pages_ - unused;
  }

 private:
  uint64_t pages_;
  uint64_t block_pages_;
  uint32_t nodes_;
  uint32_t first_home_;
};

}  // namespace farpage::directory

#endif  // FARPAGE_DIRECTORY_HOME_MAP_H_
