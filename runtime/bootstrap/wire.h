// Little-endian fields of bounded messages. The reader never reads past its bytes.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_WIRE_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_WIRE_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace farpage::bootstrap {

class WireWriter {
 public:
  template <std::unsigned_integral T>
  void Number(T value) {
    for (size_t i = 0; i < sizeof(T); ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
  }
  void Raw(std::string_view bytes) { bytes_.append(bytes); }
  // A 32-bit length, then the bytes.
  void Text(std::string_view text) {
    Number(static_cast<uint32_t>(text.size()));
    Raw(text);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Each function returns false, and changes nothing, if the bytes do not hold the field.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  bool Number(T& value) {
    if (bytes_.size() < sizeof(T)) return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof(T); ++i) sum |= std::to_integer<uint64_t>(bytes_[i]) << (8 * i);
    value = static_cast<T>(sum);
    bytes_ = bytes_.subspan(sizeof(T));
    return true;
  }
  bool Raw(std::span<std::byte> out) {
    if (bytes_.size() < out.size()) return false;
    for (size_t i = 0; i < out.size(); ++i) out[i] = bytes_[i];
    bytes_ = bytes_.subspan(out.size());
    return true;
  }
  bool Text(std::string& text, size_t max_bytes) {
    WireReader ahead = *this;
    uint32_t length = 0;
    if (!ahead.Number(length) || length > max_bytes || length > ahead.bytes_.size()) return false;
    text.assign(reinterpret_cast<const char*>(ahead.bytes_.data()), length);
    bytes_ = ahead.bytes_.subspan(length);
    return true;
  }
  bool AtEnd() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_WIRE_H_
