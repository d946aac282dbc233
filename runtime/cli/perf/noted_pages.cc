#include "runtime/cli/perf/noted_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/cli/perf/fault_floor.h"
#include "transport/rendezvous.h"

namespace farpage::cli::perf {

using internal::kPageBytes;
using internal::WriteNotes;

absl::StatusOr<std::unique_ptr<NotedPages>> NotedPages::Create(std::string_view pager,
                                                               uint64_t pages) {
  if (pager != "auto" && pager != "userfaultfd") return std::unique_ptr<NotedPages>();
  absl::StatusOr<std::unique_ptr<WriteNotes>> notes = WriteNotes::Create();
  if (!notes.ok()) return std::unique_ptr<NotedPages>();
  const size_t bytes = pages * kPageBytes;
  transport::OwnedFd file(memfd_create("farpage-perf", MFD_CLOEXEC));
  void* range = MAP_FAILED;
  if (file.get() >= 0 && ftruncate(file.get(), static_cast<off_t>(bytes)) == 0) {
    range = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  }
  if (range == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory file of ", bytes, " bytes: ", strerrordesc_np(errno)));
  }
  std::memset(range, 1, bytes);
  std::unique_ptr<NotedPages> made(
      new NotedPages(*std::move(notes), internal::Mapping(range, bytes)));
  if (absl::Status added = made->notes_->Add(made->page(0), pages); !added.ok()) return added;
  for (uint64_t page = 0; page < pages; ++page) TouchForReading(made->page(page));
  return made;
}

}  // namespace farpage::cli::perf
