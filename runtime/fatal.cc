#include "runtime/fatal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace farpage::internal {
namespace {

void WriteLine(const char* format, va_list arguments) {
  char line[512] = "farpage: ";
  constexpr int kPrefix = 9;
  const int wanted = vsnprintf(line + kPrefix, sizeof line - kPrefix - 1, format, arguments);
  const size_t length =
      kPrefix + static_cast<size_t>(std::clamp(wanted, 0, int{sizeof line} - kPrefix - 2));
  line[length] = '\n';
  // One write, so that lines of several threads do not mix. Nothing can be done if it fails.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line, length + 1);
}

}  // namespace

void Complain(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  WriteLine(format, arguments);
  va_end(arguments);
}

void Fatal(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  WriteLine(format, arguments);
  va_end(arguments);
  std::abort();
}

}  // namespace farpage::internal
