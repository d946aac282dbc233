#include "runtime/engine/map_region.h"

#include <sys/mman.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/entry.h"

namespace farpage::internal {

using directory::HomeMap;

namespace {

// Each run of home pages is a mapping; the kernel permits some 65,000.
constexpr uint64_t kMostHomeRuns = 4096;

}  // namespace

absl::StatusOr<HomeMap> MapHomes(uint64_t pages, uint32_t nodes, const AllocateOptions& options) {
  switch (options.placement) {
    case Placement::kBlock:
      return HomeMap(pages, nodes, (pages + nodes - 1) / nodes, 0);
    case Placement::kOneHome:
      if (options.home >= nodes) {
        return absl::InvalidArgumentError(
            absl::StrCat("home ", options.home, " is no node: there are ", nodes));
      }
      return HomeMap(pages, nodes, pages, options.home);
    case Placement::kCyclic: {
      const uint64_t least = (pages + kMostHomeRuns - 1) / kMostHomeRuns;
      if (options.cyclic_block_bytes % kPageBytes != 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("cyclic_block_bytes is ", options.cyclic_block_bytes,
                         ", which is no multiple of the page size, ", kPageBytes));
      }
      const uint64_t asked = options.cyclic_block_bytes / kPageBytes;
      if (asked != 0 && asked < least) {
        return absl::InvalidArgumentError(absl::StrCat(
            "cyclic_block_bytes is ", options.cyclic_block_bytes, "; a region of ", pages,
            " pages needs at least ", least * kPageBytes, ", or the kernel's mappings run out"));
      }
      return HomeMap(pages, nodes, asked != 0 ? asked : least, 0);
    }
  }
  return absl::InvalidArgumentError("unknown placement");
}

absl::Status MapRegion(Cluster& cluster, Pager& pager, Region& region) {
  const NodeId self = cluster.self();
  const uint64_t own_pages = region.homes.PagesAt(self);
  absl::StatusOr<SymmetricMemory> frames =
      cluster.AllocateSymmetric(absl::StrCat("region '", region.name, "'"), own_pages * kPageBytes);
  if (!frames.ok()) return frames.status();
  region.frames = *std::move(frames);
  const directory::EntryLayout layout(cluster.size());
  const bool release = region.consistency == Consistency::kRelease;
  if (!release) {
    absl::StatusOr<SymmetricMemory> entries = cluster.AllocateSymmetric(
        absl::StrCat("directory of region '", region.name, "'"), own_pages * layout.bytes());
    if (!entries.ok()) return entries.status();
    region.entries = *std::move(entries);
  }

  const bool direct = cluster.transport().capabilities().direct_access;
  for (uint32_t node = 0; node < cluster.size(); ++node) {
    const size_t bytes = region.homes.PagesAt(NodeId(node)) * kPageBytes;
    std::byte* view = nullptr;
    if (bytes > 0 && NodeId(node) == self) {
      view = region.frames.own->data();
    } else if (bytes > 0 && direct) {
      view = cluster.transport().DirectView(NodeId(node), region.frames.remote[node], bytes);
    }
    region.frame_views.push_back(view);
  }

  const size_t record_bytes =
      region.pages() * (release ? sizeof(ReleaseRecord) : sizeof(PageRecord));
  void* records = mmap(nullptr, record_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (records == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat("no address space for the ", record_bytes,
                                                     " bytes of page records of region '",
                                                     region.name, "'"));
  }
  region.records_memory = Mapping(records, record_bytes);
  if (release) {  // all zero is a page that is not here
    region.release_records = static_cast<ReleaseRecord*>(records);
  } else {
    region.records = static_cast<PageRecord*>(records);
  }

  std::vector<HomeRun> runs;
  if ((release || pager.maps_home_in_place()) && own_pages > 0) {
    uint64_t next = 0;
    while (next < region.pages()) {
      const uint64_t length = region.homes.RunLength(next);
      if (region.homes.HomeOf(next) == self) {
        runs.push_back(
            {next, length,
             region.frames.own->fd_offset() + region.homes.IndexAtHome(next) * kPageBytes});
      }
      next += length;
    }
  }
  const int home_fd = region.frames.own != nullptr ? region.frames.own->fd() : -1;
  const size_t bytes = region.pages() * kPageBytes;
  if (!release) return pager.AddRegion(region.base, bytes, home_fd, runs);
  absl::StatusOr<std::unique_ptr<FrameTracker>> tracker =
      pager.AddTrackedRegion(region.base, bytes, home_fd, runs);
  if (!tracker.ok()) return tracker.status();
  region.tracker = *std::move(tracker);
  return absl::OkStatus();
}

}  // namespace farpage::internal
