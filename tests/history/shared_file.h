// Memory that a test's processes share with each other beside the memory under test: a file.
#ifndef FARPAGE_TESTS_HISTORY_SHARED_FILE_H_
#define FARPAGE_TESTS_HISTORY_SHARED_FILE_H_

#include <cstddef>
#include <string>

namespace farpage::history {

// Every function ends the process with a message if the system refuses.
class SharedFile {
 public:
  // A new file of zeroes, removed with its owner. What it holds outlives the processes that wrote
  // it, however they end.
  static SharedFile Create(size_t bytes);
  static SharedFile Open(const std::string& path);

  SharedFile(SharedFile&& other) noexcept;
  SharedFile& operator=(SharedFile&& other) = delete;
  ~SharedFile();

  const std::string& path() const { return path_; }
  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  SharedFile(std::string path, int file, size_t bytes, bool owned);

  std::string path_;
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  bool owned_ = false;
};

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_SHARED_FILE_H_
