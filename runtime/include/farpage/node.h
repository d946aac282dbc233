// A node: one process of a cluster that shares memory.
#ifndef FARPAGE_NODE_H_
#define FARPAGE_NODE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/atomic_array.h"
#include "farpage/flag.h"
#include "farpage/mutex.h"
#include "farpage/options.h"
#include "farpage/semaphore.h"
#include "farpage/shared_mutex.h"
#include "farpage/statistics.h"

namespace farpage {

// What reads may return. Chosen per region.
enum class Consistency : uint8_t {
  kStrict,      // linearizable: one order of all accesses that respects real time
  kSequential,  // one order of all accesses that respects each thread's program order
  kRelease,     // programs without data races see one such order. Between synchronisations nodes
                // write different bytes of a page without a message; locks, barriers and flags
                // carry what was written. What races may read old bytes or new ones
};

// Which node is a page's home: keeps its frame and its directory entry.
enum class Placement : uint8_t {
  kBlock,    // node 0 has the first 1/N of the pages, node 1 the next …
  kCyclic,   // blocks of pages are dealt round
  kOneHome,  // all pages on AllocateOptions::home
};

struct AllocateOptions {
  Consistency consistency = Consistency::kSequential;
  Placement placement = Placement::kBlock;
  uint32_t home = 0;              // kOneHome: the node
  size_t cyclic_block_bytes = 0;  // kCyclic: multiple of the page size; 0: chosen
};

// What an access will do.
enum class Access : uint8_t { kRead, kWrite };

namespace internal {
class NodeImpl;
}  // namespace internal

// Keeps a range present, so that system calls can be given pointers into it. Other nodes that want
// to write these pages (or read them, if pinned for writing) wait until it is destroyed, so keep it
// short: well below ClusterOptions::fetch_timeout_ms. A page that is pinned for reading goes for a
// while if this node writes to it and another node writes first: pin for writing what is written.
// Must not outlive the Node. With release consistency nobody waits: what others write comes into
// the page when this node synchronises.
class Pinned {
 public:
  Pinned() = default;
  Pinned(Pinned&& other) noexcept { *this = static_cast<Pinned&&>(other); }
  Pinned& operator=(Pinned&& other) noexcept;
  ~Pinned() { Release(); }
  void Release();

 private:
  friend class internal::NodeImpl;
  Pinned(internal::NodeImpl* node, const void* data, size_t bytes)
      : node_(node), data_(data), bytes_(bytes) {}
  internal::NodeImpl* node_ = nullptr;
  const void* data_ = nullptr;
  size_t bytes_ = 0;
};

// One per process. Functions marked collective must be called by every node, in the same order,
// and by one thread of each; all others by any thread. Every wait is bounded, see ClusterOptions;
// errors name the node that was waited for.
class Node {
 public:
  // Joins the cluster that the launcher started (see `farpage run`), or a cluster of one when there
  // is no launcher. Collective. Errors: INVALID_ARGUMENT (an environment variable is malformed),
  // DEADLINE_EXCEEDED (names who is missing), FAILED_PRECONDITION (no RDMA device, port down, …),
  // ALREADY_EXISTS (this process has joined before and not left).
  static absl::StatusOr<Node> Join();
  // The same with options given, which are not checked against the bounds that the environment's
  // variables have; the environment is not read.
  static absl::StatusOr<Node> Join(const Options& options);

  Node(Node&&) noexcept;
  Node& operator=(Node&&) noexcept;
  // Leaves: waits (bounded) until all other nodes leave too, serving them meanwhile.
  ~Node();

  uint32_t id() const;    // 0 … size() − 1
  uint32_t size() const;  // nodes

  // Allocates shared memory for `count` elements of T, at the same address on every node, zeroed.
  // Collective. All nodes give the same name, count and options; a difference is INVALID_ARGUMENT
  // with both, and so is a count of 0. RESOURCE_EXHAUSTED gives the capacity and what was asked.
  // Freed when nodes leave.
  template <typename T>
  absl::StatusOr<std::span<T>> Allocate(std::string_view name, size_t count,
                                        const AllocateOptions& options = {}) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>,
                  "shared memory is moved as bytes");
    static_assert(alignof(T) <= 4096);
    if (count > SIZE_MAX / sizeof(T)) return absl::ResourceExhaustedError("count × size overflows");
    absl::StatusOr<void*> data = AllocateBytes(name, count * sizeof(T), options);
    if (!data.ok()) return data.status();
    return std::span<T>(static_cast<T*>(*data), count);
  }
  // The same in bytes; begins at a page.
  absl::StatusOr<void*> AllocateBytes(std::string_view name, size_t bytes,
                                      const AllocateOptions& options = {});

  // Waits until every node has called it. Collective. What any node wrote before it is seen by all
  // after it. UNAVAILABLE names a node that died, DEADLINE_EXCEEDED those that have not come within
  // ClusterOptions::timeout_ms; after an error every later call returns it again. Cost: ⌈log2 N⌉
  // one-way writes; with release consistency also what this node has written, and the copies here
  // of what others have.
  absl::Status Barrier();

  // A lock all nodes share. Collective; names are compared.
  absl::StatusOr<Mutex> MakeMutex(std::string_view name);

  // A lock for many readers or one writer. Collective; names are compared. It keeps some registered
  // memory until the nodes leave, as those below do.
  absl::StatusOr<SharedMutex> MakeSharedMutex(std::string_view name);

  // A semaphore that begins with `permits`. Collective; names and numbers are compared.
  absl::StatusOr<Semaphore> MakeSemaphore(std::string_view name, uint64_t permits);

  // A flag for which one node waits. Collective; names and nodes are compared.
  absl::StatusOr<Flag> MakeFlag(std::string_view name, uint32_t waiting_node);

  // An array of 64-bit integers with atomic operations, never cached. Collective. Zeroed.
  // Freed when nodes leave.
  template <typename T>
  absl::StatusOr<AtomicArray<T>> MakeAtomicArray(std::string_view name, size_t count) {
    absl::StatusOr<internal::AtomicWords> words = MakeAtomicWords(name, count);
    if (!words.ok()) return words.status();
    return AtomicArray<T>(*std::move(words));
  }

  // A memory resource over `bytes` of shared memory, from which any node allocates and frees, for
  // std::pmr containers that all nodes use. Its address is the same on every node, so that a
  // container kept in shared memory works everywhere. Collective. Lives until the node leaves.
  // allocate() throws std::bad_alloc when the memory is used up.
  absl::StatusOr<std::pmr::memory_resource*> MakeMemoryResource(std::string_view name,
                                                                size_t bytes);

  // Brings a range here ahead of its use, many pages at a time, to read or to write it. Only
  // faster, never needed: pages that cannot be had are left to their faults. More than the cache
  // holds is wasted. With sequential and strict consistency it returns when the pages have been
  // asked for; with release consistency when they are here, for reading. INVALID_ARGUMENT if it is
  // not shared memory.
  absl::Status Prefetch(const void* data, size_t bytes, Access access = Access::kRead);

  // Makes a range present and keeps it so. INVALID_ARGUMENT if it is not shared memory;
  // RESOURCE_EXHAUSTED if it is larger than half the cache; UNAVAILABLE if memory is lost.
  absl::StatusOr<Pinned> Pin(const void* data, size_t bytes, Access access);

  // Counts since this node joined. Cost: some hundred loads.
  Statistics statistics() const;
  // The sum over all nodes. Collective.
  absl::StatusOr<Statistics> ClusterStatistics();

 private:
  explicit Node(std::unique_ptr<internal::NodeImpl> impl);
  absl::StatusOr<internal::AtomicWords> MakeAtomicWords(std::string_view name, size_t count);

  std::unique_ptr<internal::NodeImpl> impl_;
};

}  // namespace farpage

#endif  // FARPAGE_NODE_H_
