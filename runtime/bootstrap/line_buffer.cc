#include "runtime/bootstrap/line_buffer.h"

#include <algorithm>

namespace farpage::bootstrap {

std::string LineBuffer::Add(std::string_view piece) {
  std::string lines;
  while (!piece.empty()) {
    const size_t newline = piece.find('\n');
    const size_t room = kMaxLineBytes - unfinished_.size();
    const size_t length = std::min(newline, piece.size());
    const size_t taken = std::min(length, room);
    unfinished_.append(piece.substr(0, taken));
    piece.remove_prefix(taken);
    const bool whole = !piece.empty() && piece.front() == '\n';
    if (whole) piece.remove_prefix(1);
    if (whole || unfinished_.size() == kMaxLineBytes) {
      lines.append(prefix_).append(unfinished_).push_back('\n');
      unfinished_.clear();
    }
  }
  return lines;
}

std::string LineBuffer::Finish() {
  if (unfinished_.empty()) return {};
  std::string line = prefix_ + unfinished_ + "\n";
  unfinished_.clear();
  return line;
}

}  // namespace farpage::bootstrap
