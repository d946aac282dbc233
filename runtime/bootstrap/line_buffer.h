// Cuts what a node writes into whole lines.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_LINE_BUFFER_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_LINE_BUFFER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace farpage::bootstrap {

// Holds back the last, unfinished line. One that grows beyond kMaxLineBytes is passed on in pieces
// of that size, each as a line of its own, so that memory stays bounded.
class LineBuffer {
 public:
  static constexpr size_t kMaxLineBytes = 64 << 10;

  explicit LineBuffer(std::string prefix) : prefix_(std::move(prefix)) {}

  // Returns the lines that are whole now, each with the prefix before it and '\n' after it.
  std::string Add(std::string_view piece);

  // Returns the unfinished line, if there is one, as a line.
  std::string Finish();

 private:
  std::string prefix_;
  std::string unfinished_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_LINE_BUFFER_H_
