// How a node allocates regions, and keeps parts of them present.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

#include "absl/strings/str_cat.h"
#include "runtime/engine/map_region.h"
#include "runtime/node_impl.h"

namespace farpage::internal {

using directory::HomeMap;
using transport::Fate;

namespace {

const char* PlacementName(Placement placement) {
  switch (placement) {
    case Placement::kBlock:
      return "block";
    case Placement::kCyclic:
      return "cyclic";
    case Placement::kOneHome:
      return "one home";
  }
  return "unknown";
}

const char* ConsistencyName(Consistency consistency) {
  switch (consistency) {
    case Consistency::kStrict:
      return "strict";
    case Consistency::kSequential:
      return "sequential";
    case Consistency::kRelease:
      return "release";
  }
  return "unknown";
}

std::string Describe(size_t bytes, const AllocateOptions& options) {
  return absl::StrCat(
      bytes, " bytes, ", ConsistencyName(options.consistency), " consistency, ",
      PlacementName(options.placement), " placement",
      options.placement == Placement::kOneHome ? absl::StrCat(" on node ", options.home) : "",
      options.placement == Placement::kCyclic && options.cyclic_block_bytes != 0
          ? absl::StrCat(" in blocks of ", options.cyclic_block_bytes, " bytes")
          : "");
}

}  // namespace

absl::Status NodeImpl::CheckCapacity(std::string_view name, uint64_t pages,
                                     const HomeMap& homes) const {
  const auto machine_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const bool one_machine = options_.cluster.transport == "shm";
  const uint64_t here_bytes = (one_machine ? pages : homes.PagesAt(cluster_->self())) * kPageBytes;
  if (here_bytes <= machine_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("region '", std::string(name), "' needs ",
                                                   here_bytes, " bytes on this machine, which has ",
                                                   machine_bytes, " bytes of memory"));
}

// Made with the first region that needs it, on all nodes.
absl::Status NodeImpl::MakeReleaseEngine(uint64_t pages, const AllocateOptions& options) {
  if (options.consistency != Consistency::kRelease) return absl::OkStatus();
  if (pages >= UINT32_MAX) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a region with release consistency has at most ", UINT32_MAX - 1, " pages, not ", pages));
  }
  if (release_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<ReleaseEngine>> made =
      ReleaseEngine::Create(*cluster_, *space_, *pager_, *engine_);
  absl::Status all = cluster_->AllSucceed("release consistency", made.status());
  if (all.ok()) release_ = *std::move(made);
  return all;
}

absl::StatusOr<void*> NodeImpl::Allocate(std::string_view name, size_t bytes,
                                         const AllocateOptions& options) {
  const std::string key = absl::StrCat("region '", std::string(name), "'");
  if (absl::Status same = cluster_->Agree(key, Describe(bytes, options)); !same.ok()) return same;
  if (bytes == 0) return absl::InvalidArgumentError(absl::StrCat(key, " has no bytes"));
  if (bytes > space_->bytes()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(key, " needs ", bytes, " bytes; the address space for shared memory has ",
                     space_->bytes(), " (FARPAGE_ADDRESS_SPACE_BYTES)"));
  }
  const uint64_t pages = (bytes + kPageBytes - 1) / kPageBytes;
  absl::StatusOr<HomeMap> homes = MapHomes(pages, cluster_->size(), options);
  if (!homes.ok()) return homes.status();
  // Every node has to come to the same verdict, or some would wait for others in vain.
  absl::Status fits =
      cluster_->AllSucceed(absl::StrCat("allocating ", key), CheckCapacity(name, pages, *homes));
  if (!fits.ok()) return fits;
  absl::StatusOr<std::byte*> base = space_->Claim(pages * kPageBytes);
  if (!base.ok()) return base.status();

  if (absl::Status able = MakeReleaseEngine(pages, options); !able.ok()) return able;
  auto region = std::make_unique<Region>();
  region->name = std::string(name);
  region->base = *base;
  region->first_page = space_->PageOf(*base);
  region->homes = *homes;
  region->consistency = options.consistency;
  absl::Status mapped = MapRegion(*cluster_, *pager_, *region);
  Region& mapped_region = *region;
  if (mapped.ok()) mapped = space_->Publish(std::move(region));
  if (mapped.ok() && options.consistency == Consistency::kRelease) {
    release_->Add(mapped_region);
    cluster_->set_ordering(release_.get());
  }
  // A peer's first message about the region must find it here.
  absl::Status ready = cluster_->AllSucceed(absl::StrCat("mapping ", key), mapped);
  if (!ready.ok()) return ready;
  return static_cast<void*>(*base);
}

absl::StatusOr<std::pmr::memory_resource*> NodeImpl::MakeMemoryResource(std::string_view name,
                                                                        size_t bytes) {
  absl::StatusOr<void*> memory =
      Allocate(absl::StrCat("memory resource '", std::string(name), "'"), bytes, {});
  if (!memory.ok()) return memory.status();
  absl::StatusOr<std::shared_ptr<QueueLock>> lock =
      locks_->Make(absl::StrCat("lock of memory resource '", std::string(name), "'"));
  if (!lock.ok()) return lock.status();
  // At the same address on every node, but each node's own: it has a table of function pointers.
  absl::StatusOr<std::byte*> place = space_->Claim(sizeof(SharedMemoryResource));
  if (!place.ok()) return place.status();
  if (mmap(*place, sizeof(SharedMemoryResource), PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    return absl::ResourceExhaustedError("no memory for a memory resource");
  }
  resources_.emplace_back(new (*place) SharedMemoryResource(*memory, bytes, Mutex(*lock),
                                                            cluster_->self(), cluster_->size()));
  if (cluster_->self() == NodeId(0)) resources_.back()->Initialize();
  if (absl::Status ready = barrier_->Wait(); !ready.ok()) return ready;
  return resources_.back().get();
}

absl::StatusOr<NodeImpl::PageRange> NodeImpl::RangeOf(const void* data, size_t bytes) const {
  const auto* begin = static_cast<const std::byte*>(data);
  Region* region = space_->Find(begin);
  if (region == nullptr || bytes == 0 ||
      bytes > static_cast<size_t>(region->base + region->pages() * kPageBytes - begin)) {
    return absl::InvalidArgumentError(absl::StrCat(bytes, " bytes at ",
                                                   absl::Hex(reinterpret_cast<uintptr_t>(data)),
                                                   " are not shared memory of one region"));
  }
  const uint64_t first = static_cast<uint64_t>(begin - region->base) >> kPageShift;
  const uint64_t last = static_cast<uint64_t>(begin + bytes - 1 - region->base) >> kPageShift;
  return PageRange{region, first, last - first + 1};
}

absl::Status NodeImpl::Prefetch(const void* data, size_t bytes, Access access) {
  absl::StatusOr<PageRange> range = RangeOf(data, bytes);
  if (!range.ok()) return range.status();
  if (range->region->consistency == Consistency::kRelease) {
    release_->FetchAhead(*range->region, range->first, range->count, cluster_->FetchDeadlineNs());
  } else {
    engine_->FetchAhead(*range->region, range->first, range->count, access);
  }
  return absl::OkStatus();
}

absl::StatusOr<Pinned> NodeImpl::Pin(const void* data, size_t bytes, Access access) {
  absl::StatusOr<PageRange> range = RangeOf(data, bytes);
  if (!range.ok()) return range.status();
  const uint64_t most = std::max<uint64_t>(options_.node.cache_bytes / kPageBytes, 16) / 2;
  if (range->count > most) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a pin of ", range->count, " pages; at most half the cache, ", most,
                     " pages, can be pinned (FARPAGE_CACHE_BYTES)"));
  }
  const int64_t deadline_ns = cluster_->FetchDeadlineNs();
  for (uint64_t done = 0; done < range->count; ++done) {
    const uint64_t index = range->first + done;
    const AccessResult result = PinPage(*range->region, index, access, deadline_ns);
    if (result.fate == Fate::kOk) continue;
    while (done-- > 0) UnpinPage(*range->region, range->first + done);
    return AccessError(result, *range->region, index);
  }
  return Pinned(this, data, bytes);
}

void NodeImpl::Unpin(const void* data, size_t bytes) {
  absl::StatusOr<PageRange> range = RangeOf(data, bytes);
  if (!range.ok()) return;
  for (uint64_t index = 0; index < range->count; ++index) {
    UnpinPage(*range->region, range->first + index);
  }
}

AccessResult NodeImpl::PinPage(Region& region, uint64_t index, Access access, int64_t deadline_ns) {
  return region.consistency == Consistency::kRelease
             ? release_->Pin(region, index, access, deadline_ns)
             : engine_->Pin(region, index, access, deadline_ns);
}

void NodeImpl::UnpinPage(Region& region, uint64_t index) {
  if (region.consistency == Consistency::kRelease) {
    release_->Unpin(region, index);
  } else {
    engine_->Unpin(region, index);
  }
}

absl::Status NodeImpl::AccessError(const AccessResult& result, const Region& region,
                                   uint64_t index) const {
  const std::string what = absl::StrCat("page ", index, " of region '", region.name, "'");
  if (result.fate == Fate::kTimedOut) {
    return absl::DeadlineExceededError(
        absl::StrCat(what, ": node ", result.peer.value(), " did not answer within ",
                     options_.cluster.fetch_timeout_ms, " ms (FARPAGE_FETCH_TIMEOUT_MS)"));
  }
  return cluster_->FateError(result.fate, what, result.peer);
}

}  // namespace farpage::internal
