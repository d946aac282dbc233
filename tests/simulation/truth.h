// What the shared memory must contain, and who may touch it: known to the simulation alone.
#ifndef FARPAGE_TESTS_SIMULATION_TRUTH_H_
#define FARPAGE_TESTS_SIMULATION_TRUTH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "directory/node_set.h"
#include "farpage/node.h"
#include "runtime/engine/region.h"
#include "transport/types.h"

namespace farpage::simulation {

// Single writer or many readers, and every mapping shows the last write: checked at every change of
// a mapping, every load and every store. Both are stronger than linearizability, to which they add
// up: a load returns what the last store before it, in virtual time, has stored. Functions return
// what is wrong.
class Truth {
 public:
  using Wrong = std::optional<std::string>;

  // `node` maps `page`, which reads as `content` there.
  Wrong OnMap(NodeId node, internal::PageId page, Access access, const std::byte* content);
  // A mapping becomes read-only.
  void OnProtect(NodeId node, internal::PageId page);
  void OnUnmap(NodeId node, internal::PageId page);
  // `node` dies: it accesses nothing any more.
  void OnDeath(NodeId node);

  // `node` has loaded a word from its mapping of the page, or is about to store one.
  Wrong OnLoad(NodeId node, internal::PageId page, uint64_t offset, uint64_t value) const;
  void OnStore(internal::PageId page, uint64_t offset, uint64_t value);

  // Who mapped it for writing last, or none.
  NodeId LastWriterOf(internal::PageId page) const;

 private:
  struct Page {
    std::array<std::byte, internal::kPageBytes> content{};
    directory::NodeSet readers;  // the writer too
    NodeId writer;
    NodeId last_writer;
  };
  Page& At(internal::PageId page);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages_;  // made when first mapped
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_TRUTH_H_
