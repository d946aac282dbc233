// The floor under every miss: a fault that is served at once, without fabric or protocol, by the
// same handler, pager and kinds of mapping as the runtime's.
#ifndef FARPAGE_RUNTIME_CLI_PERF_FAULT_FLOOR_H_
#define FARPAGE_RUNTIME_CLI_PERF_FAULT_FLOOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine/region.h"
#include "runtime/memory/fault_handler.h"
#include "runtime/memory/pager.h"

namespace farpage::cli::perf {

// `pages` pages that are copied here when they are touched, from as many pages of a shared file,
// and `pages` pages of that file that are mapped in place, as a home's own are. All pages of the
// file exist and have been touched through the mapping that is copied from.
class FaultFloor final : public internal::FaultServer {
 public:
  enum class Kind : uint8_t { kCopied, kInPlace };

  // `pager`: as NodeOptions::pager.
  static absl::StatusOr<std::unique_ptr<FaultFloor>> Create(const std::string& pager,
                                                            uint64_t pages);

  bool maps_in_place() const { return pager_->maps_home_in_place(); }
  std::byte* page(Kind kind, uint64_t index) const {
    return base_ + (kind == Kind::kCopied ? index : pages_ + index) * internal::kPageBytes;
  }

  // Maps without a fault what a fault would map.
  void Install(Kind kind, uint64_t index, Access access);
  // Pages index … index + count − 1 with one call of the pager.
  void InstallCopies(uint64_t index, uint64_t count);
  // Lifts the write protection of a page that is mapped for reading, without a fault.
  void MakeWritable(Kind kind, uint64_t index);
  // Unmaps a page that is mapped.
  void Zap(Kind kind, uint64_t index);
  // Write-protects pages index … index + count − 1, which are mapped, with one call.
  void Protect(Kind kind, uint64_t index, uint64_t count);
  // Unmaps all pages of a kind.
  void Reset(Kind kind);

  // While one lives, this process's faults are served by the floor, not by `usual` (may be null).
  // No other thread may touch shared memory meanwhile.
  class Scope {
   public:
    Scope(FaultFloor& floor, internal::FaultServer* usual);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    internal::FaultServer* const usual_;
  };

  // FaultServer.
  bool Owns(const void* address) const override;
  bool Serve(void* address, Access access) override;

 private:
  FaultFloor(uint64_t pages, std::byte* base, std::unique_ptr<internal::Pager> pager)
      : pages_(pages), base_(base), pager_(std::move(pager)), mapped_(2 * pages) {}

  size_t bytes() const { return 2 * pages_ * internal::kPageBytes; }

  const uint64_t pages_;
  std::byte* const base_;
  internal::Mapping range_;
  internal::Mapping source_;
  std::unique_ptr<internal::Pager> pager_;
  std::vector<bool> mapped_;
};

// Reads or writes one word, and no compiler can leave it out.
inline void TouchForReading(const std::byte* page) {
  static_cast<void>(*reinterpret_cast<const volatile uint64_t*>(page));
}
inline void TouchForWriting(std::byte* page, uint64_t value) {
  *reinterpret_cast<volatile uint64_t*>(page) = value;
}

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_FAULT_FLOOR_H_
