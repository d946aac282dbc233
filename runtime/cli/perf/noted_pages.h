// The floor under a first write that the kernel notes by itself: the same kind of mapping, and
// nothing else.
#ifndef FARPAGE_RUNTIME_CLI_PERF_NOTED_PAGES_H_
#define FARPAGE_RUNTIME_CLI_PERF_NOTED_PAGES_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "runtime/engine/region.h"
#include "runtime/memory/frame_tracker.h"

namespace farpage::cli::perf {

// Pages of a file of its own, which have been read; the first write to each is noted.
class NotedPages {
 public:
  // Null if the runtime has first writes fault: because of the pager (as NodeOptions::pager), or
  // because the kernel cannot do anything else.
  static absl::StatusOr<std::unique_ptr<NotedPages>> Create(std::string_view pager, uint64_t pages);

  std::byte* page(uint64_t index) const {
    return static_cast<std::byte*>(range_.base()) + index * internal::kPageBytes;
  }

 private:
  NotedPages(std::unique_ptr<internal::WriteNotes> notes, internal::Mapping range)
      : notes_(std::move(notes)), range_(std::move(range)) {}

  std::unique_ptr<internal::WriteNotes> notes_;
  internal::Mapping range_;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_NOTED_PAGES_H_
