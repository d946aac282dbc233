#include "runtime/cli/perf/fault_floor.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/fatal.h"
#include "transport/rendezvous.h"

namespace farpage::cli::perf {

using internal::kPageBytes;
using internal::Mapping;
using internal::Pager;

absl::StatusOr<std::unique_ptr<FaultFloor>> FaultFloor::Create(const std::string& pager,
                                                               uint64_t pages) {
  const size_t bytes = 2 * pages * kPageBytes;
  transport::OwnedFd file(memfd_create("farpage-perf", MFD_CLOEXEC));
  if (file.get() < 0 || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory file of ", bytes, " bytes: ", strerrordesc_np(errno)));
  }
  void* source = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  Mapping source_mapping(source == MAP_FAILED ? nullptr : source, bytes);
  void* range = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  Mapping range_mapping(range == MAP_FAILED ? nullptr : range, bytes);
  if (source == MAP_FAILED || range == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat("no address space for ", bytes, " bytes"));
  }
  std::memset(source, 1, bytes);

  auto* base = static_cast<std::byte*>(range);
  absl::StatusOr<std::unique_ptr<Pager>> made = internal::CreatePager(pager, base, bytes);
  if (!made.ok()) return made.status();
  std::unique_ptr<FaultFloor> floor(new FaultFloor(pages, base, *std::move(made)));
  floor->range_ = std::move(range_mapping);
  floor->source_ = std::move(source_mapping);
  std::vector<internal::HomeRun> runs;
  if (floor->maps_in_place()) runs.push_back({pages, pages, pages * kPageBytes});
  if (absl::Status ok = floor->pager_->AddRegion(base, bytes, file.get(), runs); !ok.ok()) {
    return ok;
  }
  return floor;
}

bool FaultFloor::Owns(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= base_ && byte < base_ + bytes();
}

bool FaultFloor::Serve(void* address, Access access) {
  const uint64_t index =
      static_cast<uint64_t>(static_cast<std::byte*>(address) - base_) / kPageBytes;
  const Kind kind = index < pages_ ? Kind::kCopied : Kind::kInPlace;
  const uint64_t within = kind == Kind::kCopied ? index : index - pages_;
  if (mapped_[index]) {
    MakeWritable(kind, within);
  } else {
    Install(kind, within, access);
  }
  return true;
}

void FaultFloor::Install(Kind kind, uint64_t index, Access access) {
  const uint64_t offset = kind == Kind::kCopied ? index : pages_ + index;
  if (kind == Kind::kInPlace && maps_in_place()) {
    pager_->MapHome(page(kind, index), 1, access);
  } else {
    const auto* source = static_cast<const std::byte*>(source_.base());
    pager_->Install(page(kind, index), source + offset * kPageBytes, 1, access);
  }
  mapped_[offset] = true;
}

void FaultFloor::InstallCopies(uint64_t index, uint64_t count) {
  const auto* source = static_cast<const std::byte*>(source_.base());
  pager_->Install(page(Kind::kCopied, index), source + index * kPageBytes, count, Access::kRead);
  std::fill_n(mapped_.begin() + static_cast<std::ptrdiff_t>(index), count, true);
}

void FaultFloor::MakeWritable(Kind kind, uint64_t index) {
  pager_->MakeWritable(page(kind, index), 1);
}

void FaultFloor::Protect(Kind kind, uint64_t index, uint64_t count) {
  pager_->WriteProtect(page(kind, index), count);
}

void FaultFloor::Zap(Kind kind, uint64_t index) {
  pager_->Zap(page(kind, index), 1, kind == Kind::kInPlace && maps_in_place());
  mapped_[kind == Kind::kCopied ? index : pages_ + index] = false;
}

void FaultFloor::Reset(Kind kind) {
  const uint64_t first = kind == Kind::kCopied ? 0 : pages_;
  for (uint64_t index = 0; index < pages_; ++index) {
    if (mapped_[first + index]) Zap(kind, index);
  }
}

FaultFloor::Scope::Scope(FaultFloor& floor, internal::FaultServer* usual) : usual_(usual) {
  if (usual_ != nullptr) internal::RemoveFaultHandler();
  const absl::Status ok = internal::InstallFaultHandler(&floor);
  if (!ok.ok()) internal::Fatal("%s", std::string(ok.message()).c_str());
}

FaultFloor::Scope::~Scope() {
  internal::RemoveFaultHandler();
  if (usual_ == nullptr) return;
  const absl::Status ok = internal::InstallFaultHandler(usual_);
  if (!ok.ok()) internal::Fatal("%s", std::string(ok.message()).c_str());
}

}  // namespace farpage::cli::perf
