// The words behind farpage::AtomicArray.
#ifndef FARPAGE_RUNTIME_SYNC_ATOMIC_WORDS_H_
#define FARPAGE_RUNTIME_SYNC_ATOMIC_WORDS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "farpage/atomic_array.h"
#include "runtime/cluster.h"

namespace farpage::internal {

// An array of 64-bit words in registered memory, dealt in blocks: node 0 has the first ⌈size / N⌉
// of them, node 1 the next … All operations on a word are sequentially consistent with each other.
//
// Where processor atomics and fabric atomics do not know of each other (AtomicScope::kFabric), a
// word is changed and read through the fabric by its home too, and a store is a compare-and-swap,
// again where the word was not as expected: a plain write may fall between the read and the write
// of another node's atomic. Where they do (kCpu), the home uses its processor, and a store is one
// write.
//
// Any thread; nothing is allocated. Every operation throws std::system_error (host_unreachable)
// when the word's home has failed and std::out_of_range for a bad index. Must not outlive the
// cluster.
class AtomicWordsImpl {
 public:
  // Collective. INVALID_ARGUMENT if the nodes give different names or sizes.
  static absl::StatusOr<std::shared_ptr<AtomicWordsImpl>> Create(Cluster& cluster,
                                                                 std::string_view name,
                                                                 size_t size);

  size_t size() const { return size_; }
  uint64_t Load(size_t index);
  void Store(size_t index, uint64_t value);
  uint64_t FetchAdd(size_t index, uint64_t add);
  uint64_t CompareExchange(size_t index, uint64_t expected, uint64_t desired);

 private:
  // Registered words that results land in, one per operation under way.
  static constexpr size_t kSlots = 64;
  struct alignas(64) Slot {
    std::atomic<bool> taken{false};
  };
  struct alignas(64) Result {
    std::atomic<uint64_t> word;
  };
  class SlotScope;

  struct Place {
    NodeId home;
    size_t offset;  // in the home's memory
  };

  AtomicWordsImpl(Cluster& cluster, std::string name, size_t size, SymmetricMemory memory);
  Place PlaceOf(size_t index) const;
  // The word, if this node's processor may change it.
  std::atomic<uint64_t>* OwnWord(const Place& place) const;
  uint64_t Run(size_t index, const Place& place, transport::Operation operation);
  uint64_t FabricCompareExchange(size_t index, const Place& place, uint64_t expected,
                                 uint64_t desired);

  // Results come first in the memory, so that their place does not depend on the words.
  static constexpr size_t kWordsOffset = kSlots * sizeof(Result);

  Cluster& cluster_;
  const std::string name_;
  const size_t size_;
  const size_t block_;  // words per node
  const SymmetricMemory memory_;
  const bool cpu_atomics_;
  const bool completes_inline_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_ATOMIC_WORDS_H_
