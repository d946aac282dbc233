// Sizes, slabs and runs of pages: what SharedHeap is made of.
#include "runtime/sync/page_heap.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "runtime/sync/size_class.h"
#include "runtime/sync/slab.h"
#include "tests/sync/plain_range.h"

namespace farpage::internal {
namespace {

TEST(SizeClassTest, EverySizeFitsItsClassAndNotTheOneBelow) {
  for (size_t bytes = 0; bytes <= kMaxSmallBytes; ++bytes) {
    const uint32_t size_class = SizeClassOf(bytes);
    ASSERT_LT(size_class, kSizeClasses);
    ASSERT_GE(BytesOfClass(size_class), bytes);
    if (size_class > 0) {
      ASSERT_LT(BytesOfClass(size_class - 1), bytes);
    }
  }
}

TEST(SizeClassTest, ObjectsOfAnAlignedClassAreAligned) {
  for (size_t alignment = 1; alignment <= kMaxSmallBytes; alignment *= 2) {
    for (size_t bytes = 1; bytes <= kMaxSmallBytes; bytes += 7) {
      const uint32_t size_class = SizeClassOf(bytes, alignment);
      ASSERT_LT(size_class, kSizeClasses);
      ASSERT_GE(BytesOfClass(size_class), bytes);
      ASSERT_EQ(BytesOfClass(size_class) % alignment, 0u);
    }
  }
}

TEST(SlabTest, GivesOutEveryObjectOnceAndTakesItBack) {
  PlainRange range(kMaxSlabPages * kHeapPageBytes);
  for (uint32_t size_class = 0; size_class < kSizeClasses; ++size_class) {
    for (uint32_t pages = 1; pages <= kMaxSlabPages; pages *= 2) {
      SCOPED_TRACE(testing::Message() << BytesOfClass(size_class) << " bytes, " << pages);
      const uint32_t capacity = Slab::CapacityOf(size_class, pages);
      if (capacity == 0) continue;
      Slab* slab = Slab::Format(range.data(), size_class, pages);
      std::set<std::byte*> objects;
      while (void* object = slab->Take()) objects.insert(static_cast<std::byte*>(object));
      ASSERT_EQ(objects.size(), capacity);
      EXPECT_FALSE(slab->roomy());
      auto* end = static_cast<std::byte*>(range.data()) + pages * kHeapPageBytes;
      for (std::byte* object : objects) {
        ASSERT_GE(object, reinterpret_cast<std::byte*>(slab + 1));
        ASSERT_LE(object + BytesOfClass(size_class), end);
        const size_t size = BytesOfClass(size_class);
        ASSERT_EQ(reinterpret_cast<uintptr_t>(object) % (size & (~size + 1)), 0u);
        ASSERT_EQ(slab->Give(object + 1), Slab::Given::kNoObject);
        ASSERT_EQ(slab->Give(object), Slab::Given::kOk);
        ASSERT_EQ(slab->Give(object), Slab::Given::kFreeAlready);
      }
      EXPECT_TRUE(slab->empty());
      EXPECT_EQ(slab->Give(slab), Slab::Given::kNoObject);
    }
  }
}

TEST(SlabTest, ObjectsFromOutsideComeBackWhenMerged) {
  PlainRange range(kHeapPageBytes);
  Slab* slab = Slab::Format(range.data(), SizeClassOf(64), 1);
  std::vector<void*> objects;
  while (void* object = slab->Take()) objects.push_back(object);
  for (void* object : objects) {
    ASSERT_EQ(slab->GiveFromOutside(object), Slab::Given::kOk);
    ASSERT_EQ(slab->GiveFromOutside(object), Slab::Given::kFreeAlready);
  }
  EXPECT_EQ(slab->Take(), nullptr);
  EXPECT_TRUE(slab->Merge());
  EXPECT_TRUE(slab->empty());
  for (size_t count = objects.size(); count > 0; --count) EXPECT_NE(slab->Take(), nullptr);
  EXPECT_EQ(slab->Take(), nullptr);
}

TEST(SlabTest, MergeFindsAnObjectFreedOnBothSides) {
  PlainRange range(kHeapPageBytes);
  Slab* slab = Slab::Format(range.data(), SizeClassOf(64), 1);
  void* object = slab->Take();
  EXPECT_EQ(slab->Give(object), Slab::Given::kOk);
  EXPECT_EQ(slab->GiveFromOutside(object), Slab::Given::kOk);
  EXPECT_FALSE(slab->Merge());
}

constexpr PageInfo kRunInfo{PageUse::kRun, 0, 0, 0};

// Runs of random lengths never overlap, keep to their alignment, and when all are free again the
// heap is one run.
TEST(PageHeapTest, RandomRunsDoNotOverlapAndJoinAgain) {
  PlainRange range(8 << 20);
  PageHeap heap(range.data(), range.bytes());
  heap.Initialize();
  const uint64_t all = heap.free_pages();
  std::map<std::byte*, size_t> runs;  // by address: pages
  std::minstd_rand random(1);
  uint64_t used = 0;
  for (int turn = 0; turn < 200'000; ++turn) {
    if (random() % 100 < 55) {
      const size_t pages = random() % 8 == 0 ? 1 + random() % 200 : 1 + random() % 6;
      const size_t alignment = random() % 16 == 0 ? kHeapPageBytes << random() % 6 : 8;
      auto* run = static_cast<std::byte*>(heap.Allocate(pages, alignment, kRunInfo));
      if (run == nullptr) continue;
      ASSERT_EQ(reinterpret_cast<uintptr_t>(run) % alignment, 0u);
      ASSERT_TRUE(heap.Contains(run) && heap.Contains(run + pages * kHeapPageBytes - 1));
      ASSERT_EQ(heap.InfoOf(run).use, PageUse::kRun);
      ASSERT_EQ(heap.InfoOf(run).pages, pages);
      const auto after = runs.lower_bound(run);
      if (after != runs.end()) {
        ASSERT_LE(run + pages * kHeapPageBytes, after->first);
      }
      if (after != runs.begin()) {
        const auto before = std::prev(after);
        ASSERT_LE(before->first + before->second * kHeapPageBytes, run);
      }
      runs.emplace(run, pages);
      used += pages;
    } else if (!runs.empty()) {
      auto victim =
          runs.lower_bound(static_cast<std::byte*>(range.data()) + random() % range.bytes());
      if (victim == runs.end()) victim = runs.begin();
      heap.Free(victim->first, victim->second);
      used -= victim->second;
      runs.erase(victim);
    }
    ASSERT_EQ(heap.free_pages(), all - used);
  }
  for (const auto& [run, pages] : runs) heap.Free(run, pages);
  EXPECT_EQ(heap.free_pages(), all);
  EXPECT_NE(heap.Allocate(all, 8, kRunInfo), nullptr);
  EXPECT_EQ(heap.Allocate(1, 8, kRunInfo), nullptr);
}

// It fails only when there is no run that is long enough.
TEST(PageHeapTest, FindsTheLastRunThatFits) {
  PlainRange range(4 << 20);
  PageHeap heap(range.data(), range.bytes());
  heap.Initialize();
  // Free runs of 40 … 47 pages, all in one list, kept apart by one page each.
  std::vector<void*> runs;
  for (size_t pages = 40; pages < 48; ++pages) {
    for (int copy = 0; copy < 2; ++copy) {
      runs.push_back(heap.Allocate(pages, 8, kRunInfo));
      ASSERT_NE(heap.Allocate(1, 8, kRunInfo), nullptr);
    }
  }
  while (heap.Allocate(1, 8, kRunInfo) != nullptr) {
  }
  for (size_t index = runs.size(); index-- > 0;) heap.Free(runs[index], 40 + index / 2);
  EXPECT_NE(heap.Allocate(47, 8, kRunInfo), nullptr);
  EXPECT_NE(heap.Allocate(47, 8, kRunInfo), nullptr);
  EXPECT_EQ(heap.Allocate(47, 8, kRunInfo), nullptr);
  EXPECT_NE(heap.Allocate(46, 8, kRunInfo), nullptr);
}

TEST(PageHeapTest, KnowsThePagesOfASlab) {
  PlainRange range(1 << 20);
  PageHeap heap(range.data(), range.bytes());
  heap.Initialize();
  auto* slab = static_cast<std::byte*>(heap.Allocate(4, 8, {PageUse::kSlab, 9, 3, 0}));
  for (uint32_t page = 0; page < 4; ++page) {
    const PageInfo info = heap.InfoOf(slab + page * kHeapPageBytes + 17);
    EXPECT_EQ(info.use, PageUse::kSlab);
    EXPECT_EQ(info.size_class, 9);
    EXPECT_EQ(info.user, page == 0 ? 3 : 0);
    EXPECT_EQ(info.pages, page);
  }
  heap.Free(slab, 4);
  for (uint32_t page = 0; page < 4; ++page) {
    EXPECT_NE(heap.InfoOf(slab + page * kHeapPageBytes).use, PageUse::kSlab);
  }
}

TEST(PageHeapTest, TooSmallARangeHasNothingToGive) {
  for (const size_t pages : {1u, 2u}) {
    PlainRange range(pages * kHeapPageBytes);
    PageHeap heap(range.data(), range.bytes());
    heap.Initialize();
    EXPECT_EQ(heap.Allocate(1, 8, kRunInfo), nullptr);
  }
}

}  // namespace
}  // namespace farpage::internal
