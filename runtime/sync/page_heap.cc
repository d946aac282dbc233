#include "runtime/sync/page_heap.h"

#include <algorithm>
#include <atomic>
#include <limits>

namespace farpage::internal {
namespace {

constexpr uint64_t kMagic = 0x7061'6548'6761'7046;  // "FpagHeap"

// Runs of a fitting list that are looked at before a list is taken in which every run fits.
constexpr int kLooks = 8;

uint32_t PagesFor(size_t bytes) {
  return static_cast<uint32_t>((bytes + kHeapPageBytes - 1) / kHeapPageBytes);
}

}  // namespace

PageHeap::PageHeap(void* base, size_t bytes)
    : base_(static_cast<std::byte*>(base)),
      pages_(static_cast<uint32_t>(
          std::min<size_t>(bytes / kHeapPageBytes, std::numeric_limits<uint32_t>::max()))),
      header_(*static_cast<Header*>(base)),
      entries_(reinterpret_cast<Entry*>(base_ + kHeapPageBytes)),
      first_page_(1 + PagesFor(size_t{pages_} * sizeof(Entry))) {}

void PageHeap::Initialize() {
  header_.magic = kMagic;
  if (pages_ <= first_page_) return;
  AddFree(first_page_, pages_ - first_page_);
  header_.free_pages = pages_ - first_page_;
}

bool PageHeap::initialized() const { return header_.magic == kMagic; }

bool PageHeap::Contains(const void* address) const {
  const auto* const at = static_cast<const std::byte*>(address);
  return at >= AddressOf(first_page_) && at < AddressOf(pages_);
}

uint32_t PageHeap::PageOf(const void* address) const {
  return static_cast<uint32_t>(static_cast<size_t>(static_cast<const std::byte*>(address) - base_) /
                               kHeapPageBytes);
}

PageInfo PageHeap::info(uint32_t page) const {
  return std::bit_cast<PageInfo>(
      std::atomic_ref<uint64_t>(entries_[page].info).load(std::memory_order_relaxed));
}

void PageHeap::set_info(uint32_t page, PageInfo info) {
  std::atomic_ref<uint64_t>(entries_[page].info)
      .store(std::bit_cast<uint64_t>(info), std::memory_order_relaxed);
}

PageInfo PageHeap::InfoOf(const void* address) const { return info(PageOf(address)); }

void PageHeap::SetInfo(const void* address, PageInfo info) { set_info(PageOf(address), info); }

RunList& PageHeap::slab_list(uint32_t size_class, bool roomy) {
  return header_.slabs[size_class][roomy ? 1 : 0];
}

void PageHeap::Push(RunList& list, uint32_t page) {
  entries_[page].previous = 0;
  entries_[page].next = list.first;
  if (list.first != 0) entries_[list.first].previous = page;
  list.first = page;
}

void PageHeap::Remove(RunList& list, uint32_t page) {
  const Entry& entry = entries_[page];
  (entry.previous == 0 ? list.first : entries_[entry.previous].next) = entry.next;
  if (entry.next != 0) entries_[entry.next].previous = entry.previous;
}

uint32_t PageHeap::BinOf(uint32_t pages) {
  if (pages < 4) return pages;
  const auto log = static_cast<uint32_t>(std::bit_width(pages)) - 1;
  return 4 * (log - 1) + (pages >> (log - 2) & 3);
}

void PageHeap::AddFree(uint32_t page, uint32_t pages) {
  if (pages == 0) return;
  if (pages > 1) set_info(page + pages - 1, {PageUse::kFreeEnd, 0, 0, pages});
  set_info(page, {PageUse::kFree, 0, 0, pages});
  const uint32_t bin = BinOf(pages);
  Push(header_.bins[bin], page);
  header_.filled[bin / 64] |= uint64_t{1} << bin % 64;
}

void PageHeap::RemoveFree(uint32_t page, uint32_t pages) {
  set_info(page, {});
  set_info(page + pages - 1, {});
  const uint32_t bin = BinOf(pages);
  Remove(header_.bins[bin], page);
  if (header_.bins[bin].first == 0) header_.filled[bin / 64] &= ~(uint64_t{1} << bin % 64);
}

uint32_t PageHeap::NextFilledBin(uint32_t bin) const {
  for (uint32_t word = bin / 64; word < header_.filled.size(); ++word) {
    uint64_t bits = header_.filled[word];
    if (word == bin / 64) bits &= ~uint64_t{0} << bin % 64;
    if (bits != 0) return word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
  }
  return kBins;
}

uint32_t PageHeap::Find(uint32_t pages) {
  const uint32_t bin = BinOf(pages);
  uint32_t page = header_.bins[bin].first;
  for (int look = 0; page != 0 && look < kLooks; ++look, page = entries_[page].next) {
    if (info(page).pages >= pages) return page;
  }
  const uint32_t larger = NextFilledBin(bin + 1);
  if (larger < kBins) return header_.bins[larger].first;
  for (; page != 0; page = entries_[page].next) {
    if (info(page).pages >= pages) return page;
  }
  return 0;
}

void* PageHeap::Allocate(size_t pages, size_t alignment, PageInfo info_of_run) {
  const size_t align_pages = std::max<size_t>(1, alignment / kHeapPageBytes);
  if (pages > header_.free_pages || align_pages > pages_) return nullptr;
  const auto wanted = static_cast<uint32_t>(pages);
  // With so many, an aligned place is among them wherever the run begins.
  const size_t enough = pages + align_pages - 1;
  if (enough > pages_) return nullptr;
  const uint32_t found = Find(static_cast<uint32_t>(enough));
  if (found == 0) return nullptr;

  const uint32_t found_pages = info(found).pages;
  RemoveFree(found, found_pages);
  const auto address = reinterpret_cast<uintptr_t>(AddressOf(found));
  const auto skipped = static_cast<uint32_t>(
      ((address + alignment - 1) / alignment * alignment - address) / kHeapPageBytes);
  const uint32_t first = found + (align_pages > 1 ? skipped : 0);
  AddFree(found, first - found);
  AddFree(first + wanted, found + found_pages - first - wanted);
  header_.free_pages -= wanted;

  if (info_of_run.use == PageUse::kSlab) {
    for (uint32_t offset = 0; offset < wanted; ++offset) {
      info_of_run.pages = offset;
      set_info(first + offset, info_of_run);
      info_of_run.user = 0;
    }
  } else {
    info_of_run.pages = wanted;
    set_info(first, info_of_run);
  }
  return AddressOf(first);
}

void PageHeap::Free(void* first, size_t pages) {
  uint32_t page = PageOf(first);
  auto count = static_cast<uint32_t>(pages);
  header_.free_pages += count;
  if (info(page).use == PageUse::kSlab) {
    for (uint32_t offset = 1; offset < count; ++offset) set_info(page + offset, {});
  }
  set_info(page, {});

  const uint32_t after = page + count;
  if (after < pages_ && info(after).use == PageUse::kFree) {
    const uint32_t joined = info(after).pages;
    RemoveFree(after, joined);
    count += joined;
  }
  if (const PageInfo before = info(page - 1);
      before.use == PageUse::kFree || before.use == PageUse::kFreeEnd) {
    RemoveFree(page - before.pages, before.pages);
    page -= before.pages;
    count += before.pages;
  }
  AddFree(page, count);
}

}  // namespace farpage::internal
