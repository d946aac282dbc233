#include "runtime/bootstrap/messages.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

#include "runtime/bootstrap/wire.h"

namespace farpage::bootstrap {
namespace {

using Bytes = std::span<const std::byte>;

Bytes AsBytes(const std::string& text) { return std::as_bytes(std::span(text)); }
Bytes Payload(const std::string& frame) { return AsBytes(frame).subspan(kFrameHeaderBytes); }

FrameHeader HeaderOf(const std::string& frame) {
  const absl::StatusOr<FrameHeader> header =
      DecodeFrameHeader(AsBytes(frame).first(kFrameHeaderBytes));
  EXPECT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->payload_bytes, frame.size() - kFrameHeaderBytes);
  return *header;
}

Secret SomeSecret() {
  Secret secret;
  for (size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<std::byte>(i * 17);
  return secret;
}

// Each decoder, and a good payload for it.
struct Subject {
  const char* name;
  std::string frame;
  std::function<absl::Status(Bytes)> decode;
};

std::vector<Subject> Subjects() {
  return {
      {"hello", EncodeHello({kProtocolVersion, SomeSecret(), 3, 8}),
       [](Bytes b) { return DecodeHello(b).status(); }},
      {"contribute", EncodeContribute({"key", 1234, "some bytes"}, 2),
       [](Bytes b) { return DecodeContribute(b).status(); }},
      {"part", EncodePart({NodeId(7), "some bytes"}, 2),
       [](Bytes b) { return DecodePart(b).status(); }},
      {"death", EncodeDeath({NodeId(7), "it died"}),
       [](Bytes b) { return DecodeDeath(b).status(); }},
      {"failed", EncodeFailed(absl::UnavailableError("gone")),
       [](Bytes b) {
         absl::Status failure;
         return DecodeFailed(b, failure);
       }},
  };
}

TEST(Messages, HelloSurvives) {
  const std::string frame = EncodeHello({7, SomeSecret(), 3, 8});
  EXPECT_EQ(HeaderOf(frame).type, MessageType::kHello);
  EXPECT_LE(frame.size(), kMaxHelloBytes);
  const absl::StatusOr<Hello> hello = DecodeHello(Payload(frame));
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(hello->version, 7);
  EXPECT_EQ(hello->secret, SomeSecret());
  EXPECT_EQ(hello->rank, 3u);
  EXPECT_EQ(hello->size, 8u);
}

TEST(Messages, ContributeSurvivesAtItsLargest) {
  const Contribute sent{std::string(kMaxKeyBytes, 'k'), kMaxTimeoutMs,
                        std::string(kMaxContributionBytes, '\0')};
  const std::string frame = EncodeContribute(sent, kMaxContributionFds);
  EXPECT_EQ(HeaderOf(frame).fds, kMaxContributionFds);
  const absl::StatusOr<Contribute> got = DecodeContribute(Payload(frame));
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->key, sent.key);
  EXPECT_EQ(got->timeout_ms, sent.timeout_ms);
  EXPECT_EQ(got->bytes, sent.bytes);
}

TEST(Messages, PartDeathAndFailedSurvive) {
  const absl::StatusOr<Part> part = DecodePart(Payload(EncodePart({NodeId(1023), "x"}, 0)));
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->node, NodeId(1023));
  EXPECT_EQ(part->bytes, "x");
  const absl::StatusOr<Death> death = DecodeDeath(Payload(EncodeDeath({NodeId(0), "why"})));
  ASSERT_TRUE(death.ok());
  EXPECT_EQ(death->node, NodeId(0));
  EXPECT_EQ(death->reason, "why");
  absl::Status failure;
  ASSERT_TRUE(DecodeFailed(Payload(EncodeFailed(absl::NotFoundError("m"))), failure).ok());
  EXPECT_EQ(failure, absl::NotFoundError("m"));
}

TEST(Messages, LongReasonsAreCut) {
  const std::string frame = EncodeDeath({NodeId(0), std::string(100'000, 'r')});
  const absl::StatusOr<Death> death = DecodeDeath(Payload(frame));
  ASSERT_TRUE(death.ok());
  EXPECT_EQ(death->reason.size(), kMaxReasonBytes);
}

TEST(Messages, EveryTruncationAndEveryExtraByteIsRefused) {
  for (const Subject& subject : Subjects()) {
    const Bytes good = Payload(subject.frame);
    ASSERT_TRUE(subject.decode(good).ok()) << subject.name;
    for (size_t length = 0; length < good.size(); ++length) {
      EXPECT_TRUE(absl::IsInvalidArgument(subject.decode(good.first(length))))
          << subject.name << " cut to " << length;
    }
    std::string longer(subject.frame, kFrameHeaderBytes);
    longer.push_back('\0');
    EXPECT_TRUE(absl::IsInvalidArgument(subject.decode(AsBytes(longer)))) << subject.name;
  }
}

TEST(Messages, LengthsThatLieAreRefused) {
  // A text that claims to be longer than what follows, and one beyond its bound.
  for (uint32_t claimed : {uint32_t{5}, kMaxContributionBytes + 1, uint32_t{0xFFFFFFFF}}) {
    WireWriter writer;
    writer.Number(uint32_t{1});
    writer.Number(claimed);
    writer.Raw("abcd");
    EXPECT_FALSE(DecodePart(AsBytes(writer.Take())).ok()) << claimed;
  }
  WireWriter key;
  key.Text(std::string(kMaxKeyBytes + 1, 'k'));
  key.Number(uint32_t{1});
  key.Text("");
  EXPECT_FALSE(DecodeContribute(AsBytes(key.Take())).ok());
}

TEST(Messages, ValuesOutOfBoundsAreRefused) {
  WireWriter node;
  node.Number(kMaxNodes);
  node.Text("");
  const std::string bytes = node.Take();
  EXPECT_FALSE(DecodePart(AsBytes(bytes)).ok());
  EXPECT_FALSE(DecodeDeath(AsBytes(bytes)).ok());

  WireWriter timeout;
  timeout.Text("key");
  timeout.Number(kMaxTimeoutMs + 1);
  timeout.Text("");
  EXPECT_FALSE(DecodeContribute(AsBytes(timeout.Take())).ok());

  for (uint8_t code : std::initializer_list<uint8_t>{0, 17, 255}) {  // OK is no failure
    WireWriter failed;
    failed.Number(code);
    failed.Text("text");
    absl::Status failure;
    EXPECT_FALSE(DecodeFailed(AsBytes(failed.Take()), failure).ok()) << int{code};
  }
}

TEST(Messages, FrameHeadersAreChecked) {
  const auto header = [](uint32_t payload, uint8_t type, uint8_t fds, uint16_t zero) {
    WireWriter writer;
    writer.Number(payload);
    writer.Number(type);
    writer.Number(fds);
    writer.Number(zero);
    return writer.Take();
  };
  EXPECT_TRUE(DecodeFrameHeader(AsBytes(header(kMaxPayloadBytes, 1, 16, 0))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(header(kMaxPayloadBytes + 1, 1, 0, 0))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(header(0, 0, 0, 0))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(header(0, 8, 0, 0))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(header(0, 1, 17, 0))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(header(0, 1, 0, 1))).ok());
  EXPECT_FALSE(DecodeFrameHeader(AsBytes(std::string(7, '\1'))).ok());
}

// Whatever the bytes, a decoder answers; sanitizer builds see to it that it reads nothing else.
TEST(Messages, GarbageIsAnsweredNotSuffered) {
  std::mt19937 random(20240607);
  const std::vector<Subject> subjects = Subjects();
  for (int round = 0; round < 20'000; ++round) {
    const Subject& subject = subjects[random() % subjects.size()];
    std::string bytes(subject.frame, kFrameHeaderBytes);
    if (random() % 4 == 0) bytes.resize(random() % 64);
    const size_t changes = random() % 4;
    for (size_t i = 0; i < changes && !bytes.empty(); ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const absl::Status status = subject.decode(AsBytes(bytes));
    EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << subject.name << status;
  }
}

TEST(Secrets, TextSurvivesAndDiffers) {
  const absl::StatusOr<Secret> a = RandomSecret();
  const absl::StatusOr<Secret> b = RandomSecret();
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_FALSE(SameSecret(*a, *b));
  EXPECT_TRUE(SameSecret(*a, *a));
  EXPECT_EQ(SecretText(*a).size(), 32u);
  EXPECT_EQ(ParseSecret(SecretText(*a)), *a);
  for (size_t i = 0; i < a->size(); ++i) {
    Secret near = *a;
    near[i] ^= std::byte{1};
    EXPECT_FALSE(SameSecret(*a, near));
  }
  EXPECT_EQ(ParseSecret(""), std::nullopt);
  EXPECT_EQ(ParseSecret(std::string(31, '0')), std::nullopt);
  EXPECT_EQ(ParseSecret(std::string(31, '0') + "g"), std::nullopt);
}

}  // namespace
}  // namespace farpage::bootstrap
