// The pager's seam over plain memory: a permission per page instead of a page table.
#ifndef FARPAGE_TESTS_SIMULATION_SIMULATED_PAGER_H_
#define FARPAGE_TESTS_SIMULATION_SIMULATED_PAGER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/engine/region.h"
#include "runtime/memory/pager.h"
#include "tests/simulation/truth.h"
#include "transport/sim/network.h"

namespace farpage::simulation {

// What a pager's work costs. Time passes between the copying of a page's halves, and between a
// change and its effect.
struct PagerCosts {
  int64_t install_ns = 1'000;
  int64_t protect_ns = 500;
  int64_t zap_ns = 500;
};

enum class MappingChange : uint8_t { kReadOnly, kWritable, kProtected, kUnmapped };

// Pages are where the pager says, not at their addresses: applications access them through At().
class SimulatedPager final : public internal::Pager {
 public:
  struct Options {
    bool maps_home_in_place = true;
    PagerCosts costs;
    Truth* truth = nullptr;  // none: nothing is checked
    // Told what the truth finds wrong.
    std::function<void(internal::PageId, const std::string&)> on_wrong;
    std::function<void(internal::PageId, MappingChange)> on_change;
  };
  SimulatedPager(transport::sim::Network& network, NodeId self, Options options)
      : network_(network), self_(self), options_(std::move(options)) {}

  // The space the regions lie in. Before the first region.
  void set_space(const internal::AddressSpace* space) { space_ = space; }

  // Where the page's bytes are, if an access of that kind is permitted; else null.
  std::byte* At(const std::byte* page, Access access) const;

  std::string_view name() const override { return "simulated"; }
  int fault_signal() const override { return 0; }
  bool maps_home_in_place() const override { return options_.maps_home_in_place; }
  absl::Status AddRegion(std::byte* base, size_t bytes, int home_fd,
                         std::span<const internal::HomeRun> runs) override;
  absl::StatusOr<std::unique_ptr<internal::FrameTracker>> AddTrackedRegion(
      std::byte* base, size_t bytes, int home_fd, std::span<const internal::HomeRun> runs) override;
  void Install(std::byte* page, const std::byte* source, size_t pages, Access access) override;
  void MapHome(std::byte* page, size_t pages, Access access) override;
  void WriteProtect(std::byte* page, size_t pages) override;
  void MakeWritable(std::byte* page, size_t pages) override;
  void Zap(std::byte* page, size_t pages, bool in_place) override;
  std::byte* View(std::byte* page) const override;

 private:
  enum class Permission : uint8_t { kNone, kRead, kWrite };
  struct Mapped {
    std::byte* frame = nullptr;  // this node's own, mapped in place; else null
    std::unique_ptr<std::byte[]> copy;
    Permission permission = Permission::kNone;
  };
  struct MappedRegion {
    std::byte* base;
    std::vector<Mapped> pages;
    bool checked = true;  // against the truth, which knows nothing of many writers
  };

  MappedRegion& RegionOf(const std::byte* page);
  Truth* TruthOf(const std::byte* page) {
    return RegionOf(page).checked ? options_.truth : nullptr;
  }
  Mapped& Of(const std::byte* page);
  const Mapped& Of(const std::byte* page) const;
  void Spend(int64_t ns) { network_.scheduler().Advance(ns + network_.Lateness() / 8); }
  void Permit(std::byte* page, Access access);
  void Changed(const std::byte* page, MappingChange change);

  transport::sim::Network& network_;
  const NodeId self_;
  const Options options_;
  const internal::AddressSpace* space_ = nullptr;
  std::vector<MappedRegion> regions_;  // ascending by base
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SIMULATED_PAGER_H_
