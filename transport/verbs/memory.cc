#include "transport/verbs/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

// Not IBV_ACCESS_RELAXED_ORDERING: whoever sees a word that was written last relies on what was
// written before it.
constexpr int kAccess = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE |
                        IBV_ACCESS_REMOTE_ATOMIC;

}  // namespace

RegisteredMemory::RegisteredMemory(std::shared_ptr<const Device> device)
    : device_(std::move(device)) {}

RegisteredMemory::~RegisteredMemory() {
  region_.reset();
  if (data_ != nullptr) ::munmap(data_, size_);
}

absl::StatusOr<std::unique_ptr<RegisteredMemory>> RegisteredMemory::Allocate(
    std::shared_ptr<const Device> device, size_t bytes, std::string_view purpose) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto error = [&](std::string_view call) {
    return SetUpError(
        absl::StrCat(std::string(call), " of ", bytes, " bytes for ", std::string(purpose)), errno);
  };
  if (bytes > SIZE_MAX / 2) {
    return absl::ResourceExhaustedError(absl::StrCat(bytes, " bytes for ", std::string(purpose),
                                                     " are more than an address space holds"));
  }
  std::unique_ptr<RegisteredMemory> memory(new RegisteredMemory(std::move(device)));
  memory->size_ = (std::max<size_t>(bytes, 1) + page - 1) / page * page;
  memory->file_ = OwnedFd(::memfd_create("farpage", MFD_CLOEXEC));
  memory->fd_ = memory->file_.get();
  if (memory->fd_ < 0) return error("memfd_create");
  if (::ftruncate(memory->fd_, static_cast<off_t>(memory->size_)) != 0) return error("ftruncate");
  void* const data =
      ::mmap(nullptr, memory->size_, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd_, 0);
  if (data == MAP_FAILED) return error("mmap");
  memory->data_ = static_cast<std::byte*>(data);

  memory->region_.reset(ibv_reg_mr(memory->device_->domain(), data, memory->size_, kAccess));
  if (!memory->region_) return RegistrationError(purpose, memory->size_, errno);
  memory->local_key_ = LocalKey{memory->region_->lkey};
  memory->remote_ = RemoteAddress{reinterpret_cast<uint64_t>(data), {memory->region_->rkey}, 0};
  return memory;
}

}  // namespace farpage::transport::verbs
