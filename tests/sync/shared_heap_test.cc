// The allocator for shared memory, on plain memory: nodes are SharedHeap objects on one range.
#include "runtime/sync/shared_heap.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

#include "runtime/sync/queue_lock.h"
#include "runtime/sync/shared_memory_resource.h"
#include "tests/sync/plain_range.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {
namespace {

class LocalLock final : public HeapLock {
 public:
  void lock() override {
    if (broken) throw std::system_error(std::make_error_code(std::errc::host_unreachable));
    mutex_.lock();
    ++times;
  }
  void unlock() override { mutex_.unlock(); }

  bool broken = false;
  uint64_t times = 0;  // taken

 private:
  std::mutex mutex_;
};

class HeapNodes {
 public:
  HeapNodes(uint32_t nodes, size_t bytes) : range_(bytes) {
    for (uint32_t id = 0; id < nodes; ++id) {
      nodes_.push_back(std::make_unique<SharedHeap>(range_.data(), bytes, lock, NodeId(id), nodes));
    }
    nodes_[0]->Initialize();
  }
  SharedHeap& operator[](uint32_t id) { return *nodes_[id]; }
  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }

  LocalLock lock;

 private:
  PlainRange range_;
  std::vector<std::unique_ptr<SharedHeap>> nodes_;
};

struct Object {
  std::byte* data = nullptr;
  size_t bytes = 0;
  size_t alignment = 1;
};

// Fills an object with a pattern of its own, and checks that nobody else wrote there.
void Fill(const Object& object) {
  const auto seed = static_cast<unsigned>(reinterpret_cast<uintptr_t>(object.data) >> 4);
  for (size_t at = 0; at < object.bytes; ++at) {
    object.data[at] = static_cast<std::byte>(seed * 31 + at);
  }
}

void ExpectFilled(const Object& object) {
  const auto seed = static_cast<unsigned>(reinterpret_cast<uintptr_t>(object.data) >> 4);
  for (size_t at = 0; at < object.bytes; ++at) {
    ASSERT_EQ(object.data[at], static_cast<std::byte>(seed * 31 + at))
        << at << " of " << object.bytes;
  }
}

Object RandomObject(std::minstd_rand& random) {
  Object object;
  switch (random() % 16) {
    case 0:
      object.bytes = random() % 40'000;
      break;
    case 1:
      object.bytes = random() % 5000;
      break;
    default:
      object.bytes = random() % 300;
      break;
  }
  object.alignment = random() % 8 == 0 ? size_t{1} << random() % 14 : 8;
  return object;
}

Object Allocate(SharedHeap& heap, Object object) {
  object.data = static_cast<std::byte*>(heap.Allocate(object.bytes, object.alignment));
  if (object.data == nullptr) return object;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(object.data) % object.alignment, 0u);
  Fill(object);
  return object;
}

void Free(SharedHeap& heap, const Object& object) {
  ExpectFilled(object);
  heap.Free(object.data, object.bytes, object.alignment);
}

// How much can still be allocated, in pieces of 64 KiB.
size_t RoomFor(SharedHeap& heap) {
  constexpr size_t kPiece = 64 * 1024;
  std::vector<void*> pieces;
  while (void* piece = heap.Allocate(kPiece, 8)) pieces.push_back(piece);
  for (void* piece : pieces) heap.Free(piece, kPiece, 8);
  return pieces.size() * kPiece;
}

// Threads of several nodes allocate, hand objects to each other and free what they got.
void Stress(uint32_t nodes, uint32_t threads_per_node, uint32_t turns) {
  constexpr size_t kBytes = 48 << 20;
  HeapNodes heap(nodes, kBytes);
  const size_t room = RoomFor(heap[0]);

  struct Shelf {
    std::mutex mutex;
    std::vector<Object> objects;
  };
  std::array<Shelf, 8> shelves;
  std::atomic<uint64_t> refused = 0;
  std::vector<std::thread> threads;
  threads.reserve(nodes * threads_per_node);
  for (uint32_t index = 0; index < nodes * threads_per_node; ++index) {
    threads.emplace_back([&, index] {
      std::minstd_rand random(index + 1);
      SharedHeap& mine = heap[index % nodes];
      for (uint32_t turn = 0; turn < turns; ++turn) {
        Shelf& shelf = shelves[random() % shelves.size()];
        // The share of additions swings, so that the heap fills and empties.
        if (random() % 100 < (turn / 2000 % 2 == 0 ? 60 : 40)) {
          const Object object = Allocate(mine, RandomObject(random));
          if (object.data == nullptr) {
            refused.fetch_add(1);
            continue;
          }
          std::lock_guard lock(shelf.mutex);
          shelf.objects.push_back(object);
        } else {
          Object object;
          {
            std::lock_guard lock(shelf.mutex);
            if (shelf.objects.empty()) continue;
            std::swap(shelf.objects[random() % shelf.objects.size()], shelf.objects.back());
            object = shelf.objects.back();
            shelf.objects.pop_back();
          }
          Free(mine, object);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  uint32_t turn = 0;
  for (Shelf& shelf : shelves) {
    for (const Object& object : shelf.objects) Free(heap[turn++ % nodes], object);
  }
  EXPECT_EQ(refused.load(), 0u);
  // A node that asks for more than there is gives back what it kept; twice, for the first time some
  // of that was for the others to give back.
  for (uint32_t id = 0; id < 2 * nodes; ++id) RoomFor(heap[id % nodes]);
  EXPECT_EQ(RoomFor(heap[0]), room);
}

TEST(SharedHeapTest, StressOneNode) { Stress(1, 1, 60'000); }
TEST(SharedHeapTest, StressThreadsOfOneNode) { Stress(1, 4, 20'000); }
TEST(SharedHeapTest, StressNodes) { Stress(4, 1, 20'000); }
TEST(SharedHeapTest, StressThreadsOfNodes) { Stress(3, 3, 12'000); }

TEST(SharedHeapTest, EverySizeAndAlignment) {
  HeapNodes heap(2, 32 << 20);
  std::vector<Object> objects;
  for (size_t bytes :
       {0u, 1u, 15u, 16u, 17u, 100u, 128u, 129u, 1000u, 4095u, 4096u, 4097u, 8192u, 100'000u}) {
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
      objects.push_back(Allocate(heap[0], {nullptr, bytes, alignment}));
      ASSERT_NE(objects.back().data, nullptr);
    }
  }
  for (const Object& object : objects) Free(heap[1], object);
}

// Small objects of different nodes never lie on one page while they are used by their makers.
TEST(SharedHeapTest, NodesDoNotShareFreshPages) {
  HeapNodes heap(2, 8 << 20);
  std::array<std::unordered_map<uintptr_t, int>, 2> pages;
  for (int turn = 0; turn < 1000; ++turn) {
    for (uint32_t id : {0u, 1u}) {
      pages[id][reinterpret_cast<uintptr_t>(heap[id].Allocate(48, 8)) / kHeapPageBytes] = 1;
    }
  }
  for (const auto& [page, one] : pages[0]) EXPECT_EQ(pages[1].count(page), 0u);
}

TEST(SharedHeapTest, HeapLockIsTakenOncePerManySmallObjects) {
  HeapNodes heap(2, 32 << 20);
  constexpr uint64_t kObjects = 100'000;
  std::vector<void*> objects;
  objects.reserve(kObjects);
  for (uint64_t turn = 0; turn < kObjects; ++turn) objects.push_back(heap[0].Allocate(64, 8));
  EXPECT_LT(heap.lock.times, kObjects / 500);
  heap.lock.times = 0;
  for (void* object : objects) heap[1].Free(object, 64, 8);
  EXPECT_LT(heap.lock.times, kObjects / 100);
}

// One node fills the memory, another empties it, and then can have all of it, in any size.
TEST(SharedHeapTest, MemoryFreedElsewhereCanBeUsedElsewhere) {
  HeapNodes heap(2, 4 << 20);
  for (uint32_t turn = 0; turn < 20; ++turn) {
    const uint32_t maker = turn % 2;
    const size_t bytes = turn % 3 == 0 ? 32 : turn % 3 == 1 ? 700 : 3000;
    std::vector<void*> objects;
    while (void* object = heap[maker].Allocate(bytes, 8)) objects.push_back(object);
    ASSERT_GT(objects.size() * bytes, (4u << 20) * 3 / 4) << turn;
    for (void* object : objects) heap[1 - maker].Free(object, bytes, 8);
  }
}

// Many rounds of growing and shrinking at two thirds of the capacity: nothing is refused.
TEST(SharedHeapTest, LongRunsDoNotFragmentItToDeath) {
  constexpr size_t kBytes = 16 << 20;
  HeapNodes heap(2, kBytes);
  std::minstd_rand random(7);
  std::vector<Object> objects;
  size_t used = 0;
  for (int turn = 0; turn < 300'000; ++turn) {
    SharedHeap& mine = heap[random() % 2];
    if (used < kBytes * 2 / 3) {
      const size_t bytes = random() % 20 == 0 ? 1 + random() % 65536 : 1 + random() % 512;
      void* data = mine.Allocate(bytes, 8);
      ASSERT_NE(data, nullptr) << "turn " << turn << ", " << used << " bytes used, " << bytes;
      objects.push_back({static_cast<std::byte*>(data), bytes, 8});
      used += bytes;
    } else {
      for (int count = 0; count < 4 && !objects.empty(); ++count) {
        std::swap(objects[random() % objects.size()], objects.back());
        mine.Free(objects.back().data, objects.back().bytes, 8);
        used -= objects.back().bytes;
        objects.pop_back();
      }
    }
  }
}

TEST(SharedHeapTest, ExhaustionIsReportedAndEnds) {
  for (const size_t bytes : {24u, 2000u, 5000u, 1u << 20}) {
    HeapNodes heap(2, 1 << 20);
    std::vector<void*> objects;
    while (void* object = heap[0].Allocate(bytes, 8)) objects.push_back(object);
    EXPECT_EQ(heap[1].Allocate(bytes, 8), nullptr) << bytes;
    if (objects.empty()) continue;
    const size_t freed = objects.size();
    for (void* object : objects) heap[0].Free(object, bytes, 8);
    objects.clear();
    while (void* object = heap[0].Allocate(bytes, 8)) objects.push_back(object);
    EXPECT_EQ(objects.size(), freed);
  }
  HeapNodes heap(1, 1 << 20);
  EXPECT_EQ(heap[0].Allocate(SIZE_MAX, 8), nullptr);
  EXPECT_EQ(heap[0].Allocate(SIZE_MAX - 4095, 4096), nullptr);
  EXPECT_EQ(heap[0].Allocate(8, size_t{1} << 62), nullptr);
}

TEST(SharedHeapTest, SmallHeapServesManyNodesAndSizes) {
  HeapNodes heap(8, 1 << 20);
  for (uint32_t id = 0; id < 8; ++id) {
    for (size_t bytes = 16; bytes <= 1024; bytes *= 2) {
      ASSERT_NE(heap[id].Allocate(bytes, 8), nullptr) << id << " " << bytes;
    }
  }
}

TEST(SharedHeapTest, BrokenLockThrowsFromAllocateOnly) {
  HeapNodes heap(2, 1 << 20);
  std::vector<void*> objects;
  objects.reserve(1000);
  for (int turn = 0; turn < 1000; ++turn) objects.push_back(heap[0].Allocate(64, 8));
  void* run = heap[0].Allocate(10'000, 8);
  heap.lock.broken = true;
  EXPECT_THROW(heap[1].Allocate(64, 8), std::system_error);
  EXPECT_THROW(heap[1].Allocate(10'000, 8), std::system_error);
  for (void* object : objects) heap[1].Free(object, 64, 8);
  heap[1].Free(run, 10'000, 8);
}

class SharedHeapDeathTest : public testing::Test {
 protected:
  HeapNodes heap_{2, 1 << 20};
};

TEST_F(SharedHeapDeathTest, ForeignPointers) {
  char local[16];
  EXPECT_DEATH(heap_[0].Free(local, 16, 8), "was not allocated here");
  auto* object = static_cast<std::byte*>(heap_[0].Allocate(64, 8));
  EXPECT_DEATH(heap_[0].Free(object + 8, 64, 8), "is no object's address");
  auto* run = static_cast<std::byte*>(heap_[0].Allocate(10'000, 8));
  EXPECT_DEATH(heap_[0].Free(run + 4096, 10'000, 8), "or not here");
  EXPECT_DEATH(heap_[0].Free(run + 8, 10'000, 8), "another size");
}

TEST_F(SharedHeapDeathTest, WrongSize) {
  void* object = heap_[0].Allocate(64, 8);
  EXPECT_DEATH(heap_[0].Free(object, 128, 8), "allocated with another size");
  EXPECT_DEATH(heap_[0].Free(object, 10'000, 8), "allocated with another size");
  void* run = heap_[0].Allocate(10'000, 8);
  EXPECT_DEATH(heap_[0].Free(run, 100'000, 8), "allocated with another size");
}

TEST_F(SharedHeapDeathTest, FreedTwice) {
  void* object = heap_[0].Allocate(64, 8);
  heap_[0].Free(object, 64, 8);
  EXPECT_DEATH(heap_[0].Free(object, 64, 8), "was freed twice");
  void* run = heap_[0].Allocate(10'000, 8);
  heap_[1].Free(run, 10'000, 8);
  EXPECT_DEATH(heap_[0].Free(run, 10'000, 8), "is free already");
}

// On another node the second time is found when the batch is freed.
TEST_F(SharedHeapDeathTest, FreedTwiceOnAnotherNode) {
  std::vector<void*> objects;
  objects.reserve(200);
  for (int turn = 0; turn < 200; ++turn) objects.push_back(heap_[0].Allocate(64, 8));
  EXPECT_DEATH(
      {
        for (void* object : objects) {
          heap_[1].Free(object, 64, 8);
          heap_[1].Free(object, 64, 8);
        }
      },
      "was freed twice");
}

TEST_F(SharedHeapDeathTest, NotInitialized) {
  PlainRange range(1 << 20);
  LocalLock lock;
  SharedHeap heap(range.data(), range.bytes(), lock, NodeId(0), 1);
  EXPECT_DEATH(heap.Allocate(64, 8), "is not initialized");
}

using SharedMemoryResourceTest = SyncTest;

// Containers of several threads, each with a resource object of its own as nodes have, under a real
// mutex. All lock on one node: the thread sanitizer does not see the order that nodes make of it,
// for in one process they do it through different mappings of one page.
TEST_P(SharedMemoryResourceTest, Containers) {
  constexpr uint32_t kNodes = 3;
  SyncCluster cluster(GetParam(), 1);
  PlainRange range(16 << 20);
  auto lock =
      cluster.Make<std::shared_ptr<QueueLock>>([](Cluster& c) { return MakeQueueLock(c, "heap"); });
  std::vector<std::unique_ptr<SharedMemoryResource>> resources;
  resources.reserve(kNodes);
  ASSERT_EQ(SharedMemoryResource::Check(range.data(), range.bytes()), absl::OkStatus());
  Counters counters;
  for (uint32_t id = 0; id < kNodes; ++id) {
    resources.push_back(std::make_unique<SharedMemoryResource>(
        range.data(), range.bytes(), Mutex(lock[0]), NodeId(id), kNodes, &counters));
  }
  resources[0]->Initialize();
  EXPECT_TRUE(resources[0]->is_equal(*resources[0]));
  EXPECT_FALSE(resources[0]->is_equal(*resources[1]));
  const auto use = [&](uint32_t id) {
    for (int turn = 0; turn < 10; ++turn) {
      std::pmr::unordered_map<int, std::pmr::string> map(resources[id].get());
      for (int key = 0; key < 500; ++key) {
        map.emplace(key, std::string(static_cast<size_t>(key), static_cast<char>('a' + id)));
      }
      std::pmr::vector<std::pmr::string> copies(resources[id].get());
      for (const auto& [key, text] : map) copies.push_back(text);
      for (const std::pmr::string& text : copies) {
        ASSERT_EQ(text.find_first_not_of(static_cast<char>('a' + id)), std::pmr::string::npos);
      }
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(kNodes);
  for (uint32_t id = 0; id < kNodes; ++id) threads.emplace_back(use, id);
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(counters.Snapshot()[Counter::chunk_allocations], kNodes * 10 * 1000u);
  EXPECT_THROW(static_cast<void>(resources[1]->allocate(32 << 20)), std::bad_alloc);
}

TEST(SharedMemoryResourceCheckTest, TooSmallOrMisaligned) {
  PlainRange range(1 << 20);
  EXPECT_EQ(SharedMemoryResource::Check(range.data(), 100).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SharedMemoryResource::Check(static_cast<char*>(range.data()) + 8, 1 << 19).code(),
            absl::StatusCode::kInvalidArgument);
}

FARPAGE_INSTANTIATE_SYNC_TEST(SharedMemoryResourceTest);

}  // namespace
}  // namespace farpage::internal
