#include "tests/history/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace farpage::history {
namespace {

void Demand(bool holds, const char* what, const std::string& path) {
  if (holds) return;
  std::fprintf(stderr, "%s %s: %s\n", what, path.c_str(), strerrordesc_np(errno));
  std::exit(1);
}

}  // namespace

SharedFile SharedFile::Create(size_t bytes) {
  std::string path = (std::filesystem::temp_directory_path() / "farpage-test-XXXXXX").string();
  const int file = mkostemp(path.data(), O_CLOEXEC);
  Demand(file >= 0, "cannot make", path);
  Demand(ftruncate(file, static_cast<off_t>(bytes)) == 0, "cannot enlarge", path);
  return {path, file, bytes, true};
}

SharedFile SharedFile::Open(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  Demand(file >= 0, "cannot open", path);
  struct stat about {};
  Demand(fstat(file, &about) == 0, "cannot look at", path);
  return {path, file, static_cast<size_t>(about.st_size), false};
}

SharedFile::SharedFile(std::string path, int file, size_t bytes, bool owned)
    : path_(std::move(path)), bytes_(bytes), owned_(owned) {
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  Demand(data != MAP_FAILED, "cannot map", path_);
  close(file);
  data_ = static_cast<std::byte*>(data);
}

SharedFile::SharedFile(SharedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_),
      owned_(std::exchange(other.owned_, false)) {}

SharedFile::~SharedFile() {
  if (data_ != nullptr) munmap(data_, bytes_);
  if (owned_) unlink(path_.c_str());
}

}  // namespace farpage::history
