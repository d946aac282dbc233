// Runs of pages out of one range of shared memory, with everything it knows kept in the range.
#ifndef FARPAGE_RUNTIME_SYNC_PAGE_HEAP_H_
#define FARPAGE_RUNTIME_SYNC_PAGE_HEAP_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime/sync/slab.h"

namespace farpage::internal {

// What a page is used for.
enum class PageUse : uint8_t {
  kInside = 0,  // in the middle of something, or the heap's own
  kFree,        // first page of a free run
  kFreeEnd,     // its last page, if it has more than one
  kRun,         // first page of a run given out
  kSlab,        // any page of a slab
};

struct PageInfo {
  PageUse use = PageUse::kInside;
  uint8_t size_class = 0;  // kSlab
  uint16_t user = 0;       // first page of a slab: the node that takes objects from it + 1, or 0
  uint32_t pages = 0;      // of the run; kSlab: between the slab's first page and this one
};

// A list of runs by the numbers of their first pages. Page 0 is the heap's own and means none.
struct RunList {
  uint32_t first = 0;
};

// Free runs are kept in lists by size, four per doubling, with a bitmap of lists that are not empty
// (after TLSF: Masmano, Ripoll, Crespo and Real, ECRTS 2004), and a freed run is joined with free
// neighbours. Free pages are never touched: everything lies in a table with 16 bytes per page.
//
// The object itself is a view, one on every node; all of them on the same memory. Callers hold the
// heap's lock, except where it says otherwise.
class PageHeap {
 public:
  // `base` is a multiple of the page size. With less than kMinimumBytes there may be nothing to
  // give out. Touches nothing.
  PageHeap(void* base, size_t bytes);
  static constexpr size_t kMinimumBytes = 64 * 1024;

  // Once, by one node, on zeroed memory, before anybody uses it.
  void Initialize();
  bool initialized() const;

  // The first of `pages` pages, at an address that is a multiple of `alignment`, or null.
  // A constant number of steps, except before it fails.
  void* Allocate(size_t pages, size_t alignment, PageInfo info);

  // Frees what Allocate() returned.
  void Free(void* first, size_t pages);

  // Any thread, without the lock: true if the address lies in the pages that can be given out.
  bool Contains(const void* address) const;

  // What the page of `address` is used for. Without the lock, if nobody can change it meanwhile:
  // for the page of a live object, `use`, `size_class` and `pages` stay.
  PageInfo InfoOf(const void* address) const;
  void SetInfo(const void* address, PageInfo info);
  void* AddressOf(uint32_t page) const { return base_ + size_t{page} * kHeapPageBytes; }
  uint32_t PageOf(const void* address) const;

  // Lists of runs that the caller keeps; a run is in one list at most.
  RunList& slab_list(uint32_t size_class, bool roomy);
  void Push(RunList& list, uint32_t page);
  void Remove(RunList& list, uint32_t page);

  uint32_t pages() const { return pages_; }
  uint64_t free_pages() const { return header_.free_pages; }

 private:
  static constexpr uint32_t kBins = 128;
  struct Header {
    uint64_t magic;
    uint64_t free_pages;
    std::array<uint64_t, kBins / 64> filled;  // bins that are not empty
    std::array<RunList, kBins> bins;
    std::array<std::array<RunList, 2>, kSizeClasses> slabs;
  };
  static_assert(sizeof(Header) <= kHeapPageBytes);

  struct Entry {
    uint64_t info;  // a PageInfo; read without the lock
    uint32_t previous;
    uint32_t next;
  };

  static uint32_t BinOf(uint32_t pages);
  uint32_t Find(uint32_t pages);
  uint32_t NextFilledBin(uint32_t bin) const;
  void AddFree(uint32_t page, uint32_t pages);
  void RemoveFree(uint32_t page, uint32_t pages);
  PageInfo info(uint32_t page) const;
  void set_info(uint32_t page, PageInfo info);

  std::byte* const base_;
  const uint32_t pages_;  // in the whole range
  Header& header_;
  Entry* const entries_;
  const uint32_t first_page_;  // after the table
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_PAGE_HEAP_H_
