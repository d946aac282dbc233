// A page table that only keeps book, and stops the process when it is asked for what a page table
// cannot do: mapping twice, changing or unmapping what is not mapped.
#ifndef FARPAGE_TESTS_RUNTIME_FAKE_PAGER_H_
#define FARPAGE_TESTS_RUNTIME_FAKE_PAGER_H_

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "runtime/memory/frame_tracker.h"
#include "runtime/memory/pager.h"

namespace farpage::testing {

class FakePager final : public internal::Pager {
 public:
  enum class Mapped : uint8_t { kNot, kForReading, kForWriting };

  FakePager(std::byte* base, size_t pages, bool home_in_place)
      : base_(base), mapped_(pages), home_in_place_(home_in_place) {}

  Mapped mapped(size_t page) const { return mapped_[page]; }
  // Called whenever pages are being mapped or made writable.
  void set_on_map(std::function<void()> on_map) { on_map_ = std::move(on_map); }

  std::string_view name() const override { return "fake"; }
  int fault_signal() const override { return SIGBUS; }
  bool maps_home_in_place() const override { return home_in_place_; }
  absl::Status AddRegion(std::byte*, size_t, int, std::span<const internal::HomeRun>) override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<internal::FrameTracker>> AddTrackedRegion(
      std::byte*, size_t, int, std::span<const internal::HomeRun>) override {
    return std::unique_ptr<internal::FrameTracker>();
  }
  void Install(std::byte* page, const std::byte* source, size_t pages, Access access) override {
    // Reads all of the source, so that the sanitizers see where it lies.
    for (size_t at = 0; at < pages * internal::kPageBytes; at += 64) sum_ = sum_ ^ source[at];
    Map(page, pages, access);
  }
  void MapHome(std::byte* page, size_t pages, Access access) override { Map(page, pages, access); }
  void WriteProtect(std::byte* page, size_t pages) override {
    Change(page, pages, true, Mapped::kForReading);
  }
  void MakeWritable(std::byte* page, size_t pages) override {
    Change(page, pages, true, Mapped::kForWriting);
    if (on_map_) on_map_();
  }
  void Zap(std::byte* page, size_t pages, bool /*in_place*/) override {
    Change(page, pages, true, Mapped::kNot);
  }
  std::byte* View(std::byte*) const override { return view_.data(); }

 private:
  void Map(std::byte* page, size_t pages, Access access) {
    Change(page, pages, false, access == Access::kRead ? Mapped::kForReading : Mapped::kForWriting);
    if (on_map_) on_map_();
  }
  void Change(const std::byte* page, size_t pages, bool from_mapped, Mapped to) {
    const size_t first = static_cast<size_t>(page - base_) / internal::kPageBytes;
    for (size_t index = first; index < first + pages; ++index) {
      if (index >= mapped_.size() || (mapped_[index] != Mapped::kNot) != from_mapped) {
        std::fprintf(stderr, "page %zu cannot be changed so: it is mapped %d\n", index,
                     index < mapped_.size() ? static_cast<int>(mapped_[index]) : -1);
        std::abort();
      }
      mapped_[index] = to;
    }
  }

  std::byte* const base_;
  std::vector<Mapped> mapped_;
  const bool home_in_place_;
  std::function<void()> on_map_;
  std::byte sum_{};
  mutable std::array<std::byte, internal::kPageBytes> view_{};
};

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RUNTIME_FAKE_PAGER_H_
