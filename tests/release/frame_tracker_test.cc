// Writes that the kernel notes by itself. On kernels before Linux 6.7 there is nothing to test.
#include "runtime/memory/frame_tracker.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/memory/fault_handler.h"

namespace farpage::internal {
namespace {

constexpr size_t kPages = 1000;

// Two stretches of frames, and a handler that does what the runtime's does for a write.
class FrameTrackerTest : public ::testing::Test, private FaultServer {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<WriteNotes>> notes = WriteNotes::Create();
    if (!notes.ok()) GTEST_SKIP() << notes.status();
    notes_ = *std::move(notes);
    const transport::OwnedFd file(memfd_create("frames", MFD_CLOEXEC));
    ASSERT_EQ(ftruncate(file.get(), kPages * kPageBytes), 0);
    void* mapped =
        mmap(nullptr, kPages * kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    base_ = static_cast<std::byte*>(mapped);
    const std::array<HomeRun, 2> runs = {HomeRun{0, 300, 0}, HomeRun{400, 600, 0}};
    for (const HomeRun& run : runs) {
      ASSERT_TRUE(notes_->Add(base_ + run.first_page * kPageBytes, run.pages).ok());
      ASSERT_EQ(mprotect(base_ + run.first_page * kPageBytes, run.pages * kPageBytes, PROT_READ),
                0);
    }
    tracker_ = std::make_unique<FrameTracker>(*notes_, base_, runs);
    ASSERT_TRUE(InstallFaultHandler(this).ok());
    handles_ = true;
  }
  void TearDown() override {
    if (handles_) RemoveFaultHandler();
    if (base_ != nullptr) munmap(base_, kPages * kPageBytes);
  }

  void Write(size_t page, uint64_t value = 1) {
    Word(page).store(value, std::memory_order_relaxed);
  }
  uint64_t Read(size_t page) const { return Word(page).load(std::memory_order_relaxed); }
  std::atomic_ref<uint64_t> Word(size_t page) const {
    return std::atomic_ref<uint64_t>(*reinterpret_cast<uint64_t*>(base_ + page * kPageBytes));
  }
  // What faulted, and what the tracker finds, protected again.
  std::set<size_t> Collect() {
    std::set<size_t> pages;
    for (size_t page = 0; page < kPages; ++page) {
      if (faulted_[page].exchange(false)) pages.insert(page);
    }
    std::vector<WriteNotes::Run> runs;
    tracker_->Collect(&runs);
    for (const WriteNotes::Run& run : runs) {
      for (size_t page = 0; page < run.pages; ++page) {
        pages.insert(static_cast<size_t>(run.page - base_) / kPageBytes + page);
      }
    }
    for (const size_t page : pages) {
      Hold lock(record_);
      tracker_->Protect(base_ + page * kPageBytes, 1);
    }
    return pages;
  }

  std::unique_ptr<FrameTracker> tracker_;
  std::atomic<uint32_t> faults_{0};
  std::array<std::atomic<bool>, kPages> faulted_{};
  SpinLock record_;  // as a page's: faulting and opening are one to whoever protects

 private:
  bool Owns(const void* address) const override {
    const auto* byte = static_cast<const std::byte*>(address);
    return byte >= base_ && byte < base_ + kPages * kPageBytes;
  }
  bool Serve(void* address, Access access) override {
    if (access != Access::kWrite) return false;
    faults_.fetch_add(1);
    const auto offset = static_cast<size_t>(static_cast<std::byte*>(address) - base_);
    Hold lock(record_);
    faulted_[offset / kPageBytes].store(true);
    tracker_->Open(base_ + offset / kPageBytes * kPageBytes);
    return true;
  }

  std::unique_ptr<WriteNotes> notes_;
  std::byte* base_ = nullptr;
  bool handles_ = false;
};

TEST_F(FrameTrackerTest, FindsWhatWasWrittenOnce) {
  EXPECT_EQ(Collect(), std::set<size_t>());
  Write(3);
  Write(4);
  Write(299);
  Write(400);
  Write(999);
  EXPECT_EQ(Collect(), (std::set<size_t>{3, 4, 299, 400, 999}));
  EXPECT_EQ(Collect(), std::set<size_t>());
  Write(4, 2);
  EXPECT_EQ(Collect(), std::set<size_t>{4});
}

TEST_F(FrameTrackerTest, SeveralFaultsOpenTheNeighbours) {
  for (size_t page = 0; page < 64; ++page) Write(page);
  EXPECT_EQ(faults_.load(), 3u);
  EXPECT_EQ(Collect().size(), 64u);
}

TEST_F(FrameTrackerTest, FewFaultsOpenNothingElse) {
  for (size_t turn = 0; turn < 10; ++turn) {
    Write(turn);
    Write(turn + 20);
    EXPECT_EQ(faults_.load(), 2 * turn + 2);
    EXPECT_EQ(Collect(), (std::set<size_t>{turn, turn + 20}));
  }
}

TEST_F(FrameTrackerTest, APageThatIsNotProtectedStaysWritable) {
  Write(5);
  std::vector<WriteNotes::Run> runs;
  tracker_->Collect(&runs);
  Write(5, 2);
  EXPECT_EQ(faults_.load(), 1u);
  EXPECT_EQ(Collect(), std::set<size_t>{5});
  Write(5, 3);
  EXPECT_EQ(faults_.load(), 2u);
}

TEST_F(FrameTrackerTest, IsClosedWhenItIsNotWrittenAnyMore) {
  for (const size_t page : {7u, 8u, 9u}) Write(page);
  Write(10);
  EXPECT_EQ(faults_.load(), 3u);
  for (int collection = 0; collection < 20; ++collection) Collect();
  Write(11);
  EXPECT_EQ(faults_.load(), 4u);
  EXPECT_EQ(Collect(), std::set<size_t>{11});
}

TEST_F(FrameTrackerTest, WhatIsNotProtectedIsFoundAgain) {
  for (const size_t page : {11u, 12u, 13u}) Write(page);
  for (int turn = 0; turn < 3; ++turn) {
    std::vector<WriteNotes::Run> runs;
    tracker_->Collect(&runs);
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].pages, 3u);
  }
}

// A writer tells after each write that it has written; a collection that begins after that must
// find the page, whatever is opened and closed meanwhile.
TEST_F(FrameTrackerTest, NoWriteIsLost) {
  constexpr uint64_t kWrites = 20'000;
  std::array<std::atomic<uint64_t>, kPages> told{};
  std::array<uint64_t, kPages> found{};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    std::minstd_rand random(1);
    for (uint64_t write = 1; write <= kWrites; ++write) {
      // Few at a time, so that stretches are closed and opened.
      const size_t page = (write / 500 * 64 + random() % 4) % 300;
      Write(page, write);
      told[page].store(write, std::memory_order_release);
      if (write % 50 == 0) std::this_thread::yield();
    }
    done.store(true);
  });
  for (bool last = false; !last;) {
    last = done.load();
    std::array<uint64_t, kPages> before{};
    for (size_t page = 0; page < kPages; ++page) {
      before[page] = told[page].load(std::memory_order_acquire);
    }
    const std::set<size_t> pages = Collect();
    for (size_t page = 0; page < kPages; ++page) {
      if (before[page] <= found[page]) continue;  // nothing that had to be found
      EXPECT_TRUE(pages.contains(page)) << "page " << page << ", write " << before[page];
    }
    // What is there now has been found, or will be: which of the two cannot be told.
    for (const size_t page : pages) found[page] = Read(page);
  }
  writer.join();
}

}  // namespace
}  // namespace farpage::internal
