// A region of shared memory as one node sees it, and the range all regions lie in.
#ifndef FARPAGE_RUNTIME_ENGINE_REGION_H_
#define FARPAGE_RUNTIME_ENGINE_REGION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "directory/home_map.h"
#include "farpage/node.h"
#include "runtime/cluster.h"
#include "runtime/engine/page_record.h"
#include "runtime/engine/release_record.h"
#include "runtime/memory/frame_tracker.h"
#include "runtime/memory/pager.h"

namespace farpage::internal {

// A page anywhere in the shared range: its distance from the range's start, in pages. The same on
// every node; travels in messages.
struct PageId {
  uint64_t value = 0;
  friend constexpr bool operator==(PageId, PageId) = default;
  friend constexpr bool operator<(PageId a, PageId b) { return a.value < b.value; }
};

// Unmaps with its owner.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* base, size_t bytes) : base_(base), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept { *this = std::move(other); }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping();
  void* base() const { return base_; }
  size_t bytes() const { return bytes_; }

 private:
  void* base_ = nullptr;
  size_t bytes_ = 0;
};

// Everything is set before the first access and never changes, except the records and the list.
struct Region {
  std::string name;
  std::byte* base = nullptr;  // application's view
  PageId first_page;
  directory::HomeMap homes{1, 1, 1, 0};
  Consistency consistency = Consistency::kSequential;
  SymmetricMemory frames;   // page frames of each home
  SymmetricMemory entries;  // directory entries of each home
  // Where a home's frames can be accessed directly; null where they cannot. Own frames always can.
  std::vector<std::byte*> frame_views;
  Mapping records_memory;
  PageRecord* records = nullptr;             // by Engine, or …
  ReleaseRecord* release_records = nullptr;  // … by ReleaseEngine, for kRelease
  std::atomic<uint32_t> listed{0};           // kRelease: the first page that was written, plus one
  std::unique_ptr<FrameTracker> tracker;     // kRelease: of own frames, if the kernel notes writes

  uint64_t pages() const { return homes.pages(); }
  std::byte* address(uint64_t index) const { return base + index * kPageBytes; }
};

// The range of virtual addresses that every node reserves at the same place, and the regions in it.
class AddressSpace {
 public:
  static constexpr uint32_t kMaxRegions = 1024;
  // Where the range begins on every node. The sanitizers' shadow memory decides what is free.
  static std::byte* Base();

  // Reserves `bytes` at `where`, which may only differ from Base() where no pointer is passed from
  // node to node. RESOURCE_EXHAUSTED when that range is not free or limited (ulimit).
  static absl::StatusOr<std::unique_ptr<AddressSpace>> Reserve(size_t bytes,
                                                               std::byte* where = Base());

  std::byte* base() const { return static_cast<std::byte*>(range_.base()); }
  size_t bytes() const { return range_.bytes(); }

  // Takes the next `bytes` (rounded up to 2 MiB) of the range. The same on all nodes if they ask in
  // the same order. RESOURCE_EXHAUSTED with the numbers. One thread at a time.
  absl::StatusOr<std::byte*> Claim(size_t bytes);
  // Makes a region visible to Find(). One thread at a time; Find() may run meanwhile.
  absl::Status Publish(std::unique_ptr<Region> region);

  // The region that has `address`, or null. Signal-safe; logarithmic in the number of regions.
  Region* Find(const void* address) const;
  // The same for a page; any number, also one that a peer made up.
  Region* Find(PageId page) const {
    return page.value < bytes() >> kPageShift ? Find(base() + page.value * kPageBytes) : nullptr;
  }
  bool Contains(const void* address) const {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= base() && byte < base() + bytes();
  }
  PageId PageOf(const void* address) const {
    return {static_cast<uint64_t>(static_cast<const std::byte*>(address) - base()) >> kPageShift};
  }

 private:
  explicit AddressSpace(Mapping range) : range_(std::move(range)) {}

  Mapping range_;
  size_t claimed_ = 0;
  std::array<std::unique_ptr<Region>, kMaxRegions> regions_;  // ascending by base
  std::atomic<uint32_t> region_count_{0};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_REGION_H_
