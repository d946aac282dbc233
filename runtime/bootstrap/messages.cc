#include "runtime/bootstrap/messages.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/str_format.h"
#include "runtime/bootstrap/wire.h"

namespace farpage::bootstrap {
namespace {

std::string Frame(MessageType type, uint8_t fds, std::string_view payload) {
  WireWriter writer;
  writer.Number(static_cast<uint32_t>(payload.size()));
  writer.Number(static_cast<uint8_t>(type));
  writer.Number(fds);
  writer.Number(uint16_t{0});
  writer.Raw(payload);
  return writer.Take();
}

std::string_view Cut(std::string_view text, size_t max_bytes) {
  return text.substr(0, std::min(text.size(), max_bytes));
}

absl::Status Malformed(const char* message) {
  return absl::InvalidArgumentError(absl::StrFormat("malformed %s message", message));
}

bool ReadNode(WireReader& reader, NodeId& node) {
  uint32_t value = 0;
  if (!reader.Number(value) || value >= kMaxNodes) return false;
  node = NodeId(value);
  return true;
}

}  // namespace

std::string EncodeHello(const Hello& hello) {
  WireWriter writer;
  writer.Number(kProtocolMagic);
  writer.Number(hello.version);
  writer.Raw({reinterpret_cast<const char*>(hello.secret.data()), hello.secret.size()});
  writer.Number(hello.rank);
  writer.Number(hello.size);
  return Frame(MessageType::kHello, 0, writer.Take());
}

std::string EncodeWelcome() { return Frame(MessageType::kWelcome, 0, {}); }

std::string EncodeFailed(const absl::Status& status) {
  WireWriter writer;
  writer.Number(static_cast<uint8_t>(status.raw_code()));
  writer.Text(Cut(std::string(status.message()), kMaxReasonBytes));
  return Frame(MessageType::kFailed, 0, writer.Take());
}

std::string EncodeContribute(const Contribute& contribute, uint8_t fds) {
  WireWriter writer;
  writer.Text(contribute.key);
  writer.Number(contribute.timeout_ms);
  writer.Text(contribute.bytes);
  return Frame(MessageType::kContribute, fds, writer.Take());
}

std::string EncodePart(const Part& part, uint8_t fds) {
  WireWriter writer;
  writer.Number(uint32_t{part.node.value()});
  writer.Text(part.bytes);
  return Frame(MessageType::kPart, fds, writer.Take());
}

std::string EncodeDeath(const Death& death) {
  WireWriter writer;
  writer.Number(uint32_t{death.node.value()});
  writer.Text(Cut(death.reason, kMaxReasonBytes));
  return Frame(MessageType::kDeath, 0, writer.Take());
}

std::string EncodeLeave() { return Frame(MessageType::kLeave, 0, {}); }

absl::StatusOr<FrameHeader> DecodeFrameHeader(std::span<const std::byte> bytes) {
  WireReader reader(bytes);
  FrameHeader header;
  uint8_t type = 0;
  uint16_t zero = 0;
  if (!reader.Number(header.payload_bytes) || !reader.Number(type) || !reader.Number(header.fds) ||
      !reader.Number(zero) || !reader.AtEnd()) {
    return Malformed("frame");
  }
  header.type = static_cast<MessageType>(type);
  if (header.type < MessageType::kHello || header.type > MessageType::kLeave || zero != 0 ||
      header.payload_bytes > kMaxPayloadBytes || header.fds > kMaxContributionFds) {
    return Malformed("frame");
  }
  return header;
}

absl::StatusOr<Hello> DecodeHello(std::span<const std::byte> payload) {
  WireReader reader(payload);
  Hello hello;
  uint64_t magic = 0;
  if (!reader.Number(magic) || magic != kProtocolMagic || !reader.Number(hello.version) ||
      !reader.Raw(hello.secret) || !reader.Number(hello.rank) || !reader.Number(hello.size) ||
      !reader.AtEnd()) {
    return Malformed("hello");
  }
  return hello;
}

absl::StatusOr<Contribute> DecodeContribute(std::span<const std::byte> payload) {
  WireReader reader(payload);
  Contribute contribute;
  if (!reader.Text(contribute.key, kMaxKeyBytes) || !reader.Number(contribute.timeout_ms) ||
      contribute.timeout_ms > kMaxTimeoutMs ||
      !reader.Text(contribute.bytes, kMaxContributionBytes) || !reader.AtEnd()) {
    return Malformed("contribute");
  }
  return contribute;
}

absl::StatusOr<Part> DecodePart(std::span<const std::byte> payload) {
  WireReader reader(payload);
  Part part;
  if (!ReadNode(reader, part.node) || !reader.Text(part.bytes, kMaxContributionBytes) ||
      !reader.AtEnd()) {
    return Malformed("part");
  }
  return part;
}

absl::StatusOr<Death> DecodeDeath(std::span<const std::byte> payload) {
  WireReader reader(payload);
  Death death;
  if (!ReadNode(reader, death.node) || !reader.Text(death.reason, kMaxReasonBytes) ||
      !reader.AtEnd()) {
    return Malformed("death");
  }
  return death;
}

absl::Status DecodeFailed(std::span<const std::byte> payload, absl::Status& failure) {
  WireReader reader(payload);
  uint8_t code = 0;
  std::string text;
  if (!reader.Number(code) || code == 0 ||
      code > static_cast<uint8_t>(absl::StatusCode::kUnauthenticated) ||
      !reader.Text(text, kMaxReasonBytes) || !reader.AtEnd()) {
    return Malformed("failed");
  }
  failure = absl::Status(static_cast<absl::StatusCode>(code), text);
  return absl::OkStatus();
}

}  // namespace farpage::bootstrap
