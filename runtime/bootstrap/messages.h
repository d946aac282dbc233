// What nodes and the launcher say to each other, as bytes. Pure: no socket here, so that another
// kind of connection can carry the same messages, and any bytes can be thrown at the decoders.
//
// A connection carries frames: a header of 8 bytes (payload length, type, number of descriptors),
// then the payload. A node says Hello first; the launcher answers Welcome or Failed. Then the node
// may Contribute to an exchange, one at a time, and gets one Part from every node, or Failed.
// Death comes unasked. Leave is the last a node says.
//
// All decoders take untrusted bytes and return INVALID_ARGUMENT, saying which message, for anything
// that is too short, too long, or out of bounds. Nothing is allocated before a length was checked.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_MESSAGES_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/bootstrap/secret.h"
#include "transport/types.h"

namespace farpage::bootstrap {

inline constexpr uint64_t kProtocolMagic = 0x4547'4150'5241'4631;  // "1FARPAGE" on the wire
inline constexpr uint16_t kProtocolVersion = 1;

inline constexpr size_t kFrameHeaderBytes = 8;
inline constexpr uint32_t kMaxContributionBytes = 1 << 20;
inline constexpr uint32_t kMaxContributionFds = 16;
inline constexpr uint32_t kMaxKeyBytes = 256;
inline constexpr uint32_t kMaxReasonBytes = 4096;
inline constexpr uint32_t kMaxTimeoutMs = 7 * 24 * 3'600'000;
inline constexpr uint32_t kMaxHelloBytes = 64;  // all that is accepted before the secret is checked
inline constexpr uint32_t kMaxPayloadBytes = kMaxContributionBytes + kMaxKeyBytes + 64;

enum class MessageType : uint8_t {
  kHello = 1,   // node → launcher
  kWelcome,     // launcher → node, no payload
  kFailed,      // launcher → node: Hello refused, or the exchange failed
  kContribute,  // node → launcher
  kPart,        // launcher → node
  kDeath,       // launcher → node
  kLeave,       // node → launcher, no payload
};

struct FrameHeader {
  uint32_t payload_bytes = 0;
  MessageType type = MessageType::kHello;
  uint8_t fds = 0;
};

struct Hello {
  uint16_t version = kProtocolVersion;
  Secret secret{};
  uint32_t rank = 0;
  uint32_t size = 0;
};

struct Contribute {
  std::string key;
  uint32_t timeout_ms = 0;  // from now
  std::string bytes;
};

struct Part {
  NodeId node;
  std::string bytes;
};

struct Death {
  NodeId node;
  std::string reason;
};

// A payload with its header before it. Texts that are too long are cut.
std::string EncodeHello(const Hello& hello);
std::string EncodeWelcome();
std::string EncodeFailed(const absl::Status& status);
std::string EncodeContribute(const Contribute& contribute, uint8_t fds);
std::string EncodePart(const Part& part, uint8_t fds);
std::string EncodeDeath(const Death& death);
std::string EncodeLeave();

// Of the first kFrameHeaderBytes of a frame.
absl::StatusOr<FrameHeader> DecodeFrameHeader(std::span<const std::byte> bytes);

// Of a frame's payload.
absl::StatusOr<Hello> DecodeHello(std::span<const std::byte> payload);
absl::StatusOr<Contribute> DecodeContribute(std::span<const std::byte> payload);
absl::StatusOr<Part> DecodePart(std::span<const std::byte> payload);
absl::StatusOr<Death> DecodeDeath(std::span<const std::byte> payload);
// Sets `failure` to the error that was sent, never to OK.
absl::Status DecodeFailed(std::span<const std::byte> payload, absl::Status& failure);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_MESSAGES_H_
