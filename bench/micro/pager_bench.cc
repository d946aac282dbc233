// Changes of the mapping, without faults. range(0) pages with one call; time per call.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <vector>

#include "runtime/engine/region.h"
#include "runtime/memory/pager.h"
#include "transport/rendezvous.h"

namespace farpage::internal {
namespace {

constexpr size_t kPages = 64;

// Pages that copies are mapped in, then as many that are mapped in place from a file.
class PagerBench {
 public:
  bool Prepare(benchmark::State& state, std::string_view kind) {
    constexpr size_t kBytes = 2 * kPages * kPageBytes;
    file_ = transport::OwnedFd(memfd_create("farpage-bench", MFD_CLOEXEC));
    void* range = mmap(nullptr, kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (file_.get() < 0 || ftruncate(file_.get(), kBytes) != 0 || range == MAP_FAILED) {
      state.SkipWithError("no memory");
      return false;
    }
    void* source = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    range_ = Mapping(range, kBytes);
    source_ = Mapping(source, kBytes);
    std::memset(source, 1, kBytes);
    absl::StatusOr<std::unique_ptr<Pager>> pager = CreatePager(kind, copies(), kBytes);
    if (!pager.ok()) {
      state.SkipWithError(std::string(pager.status().message()).c_str());
      return false;
    }
    pager_ = *std::move(pager);
    std::vector<HomeRun> runs;
    if (pager_->maps_home_in_place()) runs.push_back({kPages, kPages, kPages * kPageBytes});
    const absl::Status added = pager_->AddRegion(copies(), kBytes, file_.get(), runs);
    if (!added.ok()) state.SkipWithError(std::string(added.message()).c_str());
    return added.ok();
  }

  Pager& pager() { return *pager_; }
  std::byte* copies() const { return static_cast<std::byte*>(range_.base()); }
  std::byte* in_place() const { return copies() + kPages * kPageBytes; }
  const std::byte* source() const { return static_cast<const std::byte*>(source_.base()); }

 private:
  transport::OwnedFd file_;
  Mapping range_;
  Mapping source_;
  std::unique_ptr<Pager> pager_;
};

void InstallAndZap(benchmark::State& state, std::string_view kind) {
  PagerBench bench;
  if (!bench.Prepare(state, kind)) return;
  const auto pages = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    bench.pager().Install(bench.copies(), bench.source(), pages, Access::kRead);
    bench.pager().Zap(bench.copies(), pages, /*in_place=*/false);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(pages));
}
BENCHMARK_CAPTURE(InstallAndZap, userfaultfd, "userfaultfd")
    ->Name("pager/userfaultfd/install_and_zap")
    ->RangeMultiplier(8)
    ->Range(1, kPages);
BENCHMARK_CAPTURE(InstallAndZap, mprotect, "mprotect")
    ->Name("pager/mprotect/install_and_zap")
    ->RangeMultiplier(8)
    ->Range(1, kPages);

void MapHomeAndZap(benchmark::State& state, std::string_view kind) {
  PagerBench bench;
  if (!bench.Prepare(state, kind)) return;
  if (!bench.pager().maps_home_in_place()) {
    state.SkipWithError("this kernel cannot map a frame read-only in one step");
    return;
  }
  const auto pages = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    bench.pager().MapHome(bench.in_place(), pages, Access::kRead);
    bench.pager().Zap(bench.in_place(), pages, /*in_place=*/true);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(pages));
}
BENCHMARK_CAPTURE(MapHomeAndZap, userfaultfd, "userfaultfd")
    ->Name("pager/userfaultfd/map_home_and_zap")
    ->RangeMultiplier(8)
    ->Range(1, kPages);

// Write protection off and on again.
void Protect(benchmark::State& state) {
  PagerBench bench;
  if (!bench.Prepare(state, "userfaultfd")) return;
  const auto pages = static_cast<size_t>(state.range(0));
  bench.pager().Install(bench.copies(), bench.source(), pages, Access::kRead);
  for (auto _ : state) {
    bench.pager().MakeWritable(bench.copies(), pages);
    bench.pager().WriteProtect(bench.copies(), pages);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(pages));
}
BENCHMARK(Protect)->Name("pager/userfaultfd/protect")->RangeMultiplier(8)->Range(1, kPages);

}  // namespace
}  // namespace farpage::internal
