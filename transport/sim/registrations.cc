#include "transport/sim/registrations.h"

#include <sys/mman.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::transport::sim {
namespace {

constexpr size_t kPage = 4096;
constexpr unsigned kKeyShift = 40;  // of remote addresses: key above, offset below

}  // namespace

class Registrations::Piece final : public Memory {
 public:
  Piece(std::shared_ptr<std::vector<Range>> ranges, std::byte* base, size_t bytes)
      : ranges_(std::move(ranges)) {
    ranges_->push_back({base, bytes});
    const auto key = static_cast<uint32_t>(ranges_->size());  // never 0
    data_ = base;
    size_ = bytes;
    local_key_ = {key};
    remote_ = {uint64_t{key} << kKeyShift, {key}, 0};
    fd_offset_ = reinterpret_cast<uintptr_t>(base);
  }
  ~Piece() override {
    (*ranges_)[local_key_.value - 1] = {};
    munmap(data_, size_);
  }

 private:
  std::shared_ptr<std::vector<Range>> ranges_;
};

absl::StatusOr<std::unique_ptr<Memory>> Registrations::Allocate(size_t bytes) {
  const size_t rounded = (bytes + kPage - 1) / kPage * kPage;
  void* memory = mmap(nullptr, rounded, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for ", rounded, " simulated registered bytes"));
  }
  return std::make_unique<Piece>(ranges_, static_cast<std::byte*>(memory), rounded);
}

std::byte* Registrations::Resolve(RemoteAddress address, uint64_t bytes) const {
  const uint32_t key = address.key.value;
  if (key == 0 || key > ranges_->size()) return nullptr;
  const Range& range = (*ranges_)[key - 1];
  const uint64_t begin = uint64_t{key} << kKeyShift;
  if (range.base == nullptr || address.address < begin) return nullptr;
  const uint64_t offset = address.address - begin;
  if (offset > range.bytes || bytes > range.bytes - offset) return nullptr;
  return range.base + offset;
}

bool Registrations::Covers(const void* local, LocalKey key, uint64_t bytes) const {
  if (key.value == 0 || key.value > ranges_->size()) return false;
  const Range& range = (*ranges_)[key.value - 1];
  const auto at = reinterpret_cast<uintptr_t>(local);
  const auto base = reinterpret_cast<uintptr_t>(range.base);
  return base != 0 && at >= base && at - base <= range.bytes && bytes <= range.bytes - (at - base);
}

}  // namespace farpage::transport::sim
