#include "tests/simulation/simulated_pager.h"

#include <algorithm>
#include <cstring>

namespace farpage::simulation {

using internal::HomeRun;
using internal::kPageBytes;

absl::Status SimulatedPager::AddRegion(std::byte* base, size_t bytes, int /*home_fd*/,
                                       std::span<const HomeRun> runs) {
  MappedRegion region{base, std::vector<Mapped>(bytes / kPageBytes)};
  for (const HomeRun& run : runs) {
    for (uint64_t page = 0; page < run.pages; ++page) {
      region.pages[run.first_page + page].frame =
          reinterpret_cast<std::byte*>(run.fd_offset + page * kPageBytes);
    }
  }
  regions_.push_back(std::move(region));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<internal::FrameTracker>> SimulatedPager::AddTrackedRegion(
    std::byte* base, size_t bytes, int home_fd, std::span<const HomeRun> runs) {
  if (absl::Status added = AddRegion(base, bytes, home_fd, runs); !added.ok()) return added;
  regions_.back().checked = false;
  for (Mapped& page : regions_.back().pages) {
    if (page.frame != nullptr) page.permission = Permission::kRead;
  }
  return std::unique_ptr<internal::FrameTracker>();
}

SimulatedPager::MappedRegion& SimulatedPager::RegionOf(const std::byte* page) {
  const auto after = std::upper_bound(
      regions_.begin(), regions_.end(), page,
      [](const std::byte* address, const MappedRegion& region) { return address < region.base; });
  return *std::prev(after);
}

const SimulatedPager::Mapped& SimulatedPager::Of(const std::byte* page) const {
  const MappedRegion& region = const_cast<SimulatedPager*>(this)->RegionOf(page);
  return region.pages[static_cast<size_t>(page - region.base) / kPageBytes];
}

SimulatedPager::Mapped& SimulatedPager::Of(const std::byte* page) {
  return const_cast<Mapped&>(std::as_const(*this).Of(page));
}

std::byte* SimulatedPager::At(const std::byte* page, Access access) const {
  const Mapped& mapped = Of(page);
  const Permission least = access == Access::kRead ? Permission::kRead : Permission::kWrite;
  if (mapped.permission < least) return nullptr;
  return mapped.copy != nullptr ? mapped.copy.get() : mapped.frame;
}

std::byte* SimulatedPager::View(std::byte* page) const { return At(page, Access::kRead); }

void SimulatedPager::Changed(const std::byte* page, MappingChange change) {
  if (options_.on_change) options_.on_change(space_->PageOf(page), change);
}

void SimulatedPager::Permit(std::byte* page, Access access) {
  Mapped& mapped = Of(page);
  mapped.permission = access == Access::kRead ? Permission::kRead : Permission::kWrite;
  Changed(page, access == Access::kRead ? MappingChange::kReadOnly : MappingChange::kWritable);
  Truth* truth = TruthOf(page);
  if (truth == nullptr) return;
  const Truth::Wrong wrong = truth->OnMap(self_, space_->PageOf(page), access, View(page));
  if (wrong.has_value()) options_.on_wrong(space_->PageOf(page), *wrong);
}

void SimulatedPager::Install(std::byte* page, const std::byte* source, size_t pages,
                             Access access) {
  for (size_t index = 0; index < pages; ++index) {
    Mapped& mapped = Of(page + index * kPageBytes);
    mapped.copy = std::make_unique<std::byte[]>(kPageBytes);
    std::memcpy(mapped.copy.get(), source + index * kPageBytes, kPageBytes / 2);
  }
  Spend(options_.costs.install_ns);
  for (size_t index = 0; index < pages; ++index) {
    Mapped& mapped = Of(page + index * kPageBytes);
    std::memcpy(mapped.copy.get() + kPageBytes / 2, source + index * kPageBytes + kPageBytes / 2,
                kPageBytes / 2);
    Permit(page + index * kPageBytes, access);
  }
}

void SimulatedPager::MapHome(std::byte* page, size_t pages, Access access) {
  Spend(options_.costs.install_ns / 2);
  for (size_t index = 0; index < pages; ++index) Permit(page + index * kPageBytes, access);
}

void SimulatedPager::WriteProtect(std::byte* page, size_t pages) {
  Spend(options_.costs.protect_ns);
  for (size_t index = 0; index < pages; ++index) {
    std::byte* const one = page + index * kPageBytes;
    Mapped& mapped = Of(one);
    mapped.permission = std::min(mapped.permission, Permission::kRead);
    if (Truth* truth = TruthOf(one); truth != nullptr) truth->OnProtect(self_, space_->PageOf(one));
    Changed(one, MappingChange::kProtected);
  }
}

void SimulatedPager::MakeWritable(std::byte* page, size_t pages) {
  Spend(options_.costs.protect_ns);
  for (size_t index = 0; index < pages; ++index) Permit(page + index * kPageBytes, Access::kWrite);
}

void SimulatedPager::Zap(std::byte* page, size_t pages, bool /*in_place*/) {
  Spend(options_.costs.zap_ns);
  for (size_t index = 0; index < pages; ++index) {
    std::byte* const one = page + index * kPageBytes;
    Mapped& mapped = Of(one);
    mapped.permission = Permission::kNone;
    mapped.copy.reset();
    if (Truth* truth = TruthOf(one); truth != nullptr) truth->OnUnmap(self_, space_->PageOf(one));
    Changed(one, MappingChange::kUnmapped);
  }
}

}  // namespace farpage::simulation
