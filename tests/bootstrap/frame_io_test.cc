#include "runtime/bootstrap/frame_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/bootstrap/wire.h"

namespace farpage::bootstrap {
namespace {

using transport::OwnedFd;

struct Sockets {
  Sockets() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    a = OwnedFd(ends[0]);
    b = OwnedFd(ends[1]);
  }
  OwnedFd a;
  OwnedFd b;
};

OwnedFd FileOfSize(off_t size) {
  OwnedFd fd(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(fd.get(), size), 0);
  return fd;
}

off_t SizeOf(const OwnedFd& fd) {
  struct stat file {};
  EXPECT_EQ(fstat(fd.get(), &file), 0);
  return file.st_size;
}

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::shared_ptr<const OutgoingFrame> FrameOf(std::string bytes, std::vector<OwnedFd> fds = {}) {
  return std::make_shared<const OutgoingFrame>(OutgoingFrame{std::move(bytes), std::move(fds)});
}

// Reads and takes frames until there is nothing more to read.
absl::StatusOr<std::vector<Frame>> TakeAll(FrameReceiver& receiver, int socket) {
  std::vector<Frame> frames;
  bool more = true;
  while (more) {
    const absl::StatusOr<bool> open = receiver.ReceiveFrom(socket, more);
    if (!open.ok()) return open.status();
    while (true) {
      absl::StatusOr<std::optional<Frame>> frame = receiver.Next();
      if (!frame.ok()) return frame.status();
      if (!frame->has_value()) break;
      frames.push_back(**std::move(frame));
    }
    if (!*open) break;
  }
  return frames;
}

TEST(FrameReceiver, BytesOneByOneMakeTheSameFrames) {
  const std::string two = EncodeContribute({"key", 5, "abc"}, 0) + EncodeLeave();
  FrameReceiver receiver(kMaxPayloadBytes);
  std::vector<Frame> frames;
  for (char c : two) {
    const std::string one(1, c);
    ASSERT_TRUE(receiver.Append(AsBytes(one), {}).ok());
    absl::StatusOr<std::optional<Frame>> frame = receiver.Next();
    ASSERT_TRUE(frame.ok());
    if (frame->has_value()) frames.push_back(**std::move(frame));
  }
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, MessageType::kContribute);
  EXPECT_EQ(DecodeContribute(frames[0].bytes())->bytes, "abc");
  EXPECT_EQ(frames[1].type, MessageType::kLeave);
}

TEST(FrameReceiver, OversizeIsRefusedBeforeItArrives) {
  FrameReceiver receiver(kMaxHelloBytes);
  const std::string frame = EncodeContribute({"key", 5, std::string(kMaxHelloBytes, 'x')}, 0);
  ASSERT_TRUE(receiver.Append(AsBytes(frame).first(kFrameHeaderBytes), {}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(receiver.Next().status()));
}

TEST(FrameReceiver, GarbageIsRefused) {
  FrameReceiver receiver(kMaxPayloadBytes);
  const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_TRUE(receiver.Append(AsBytes(garbage), {}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(receiver.Next().status()));
}

TEST(FrameReceiver, AnnouncedDescriptorsMustHaveArrived) {
  FrameReceiver receiver(kMaxPayloadBytes);
  ASSERT_TRUE(receiver.Append(AsBytes(EncodePart({NodeId(0), ""}, 1)), {}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(receiver.Next().status()));
}

TEST(FrameReceiver, DescriptorsNobodyAnnouncedAreBounded) {
  Sockets sockets;
  FrameReceiver receiver(kMaxPayloadBytes);
  SendQueue queue;
  absl::Status refused;
  for (int i = 0; i < 8 && refused.ok(); ++i) {
    std::vector<OwnedFd> fds;
    for (uint32_t k = 0; k < kMaxContributionFds; ++k) fds.push_back(FileOfSize(0));
    queue.Push(FrameOf(EncodeLeave(), std::move(fds)));  // announces none
    ASSERT_TRUE(queue.Flush(sockets.a.get()).ok());
    refused = TakeAll(receiver, sockets.b.get()).status();
  }
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused;
}

TEST(FrameIo, DescriptorsStayWithTheirFrames) {
  Sockets sockets;
  SendQueue queue;
  constexpr off_t kFrames = 5;
  for (off_t i = 0; i < kFrames; ++i) {
    std::vector<OwnedFd> fds;
    for (off_t k = 0; k < i; ++k) fds.push_back(FileOfSize(100 * i + k));
    queue.Push(FrameOf(EncodePart({NodeId(0), ""}, static_cast<uint8_t>(i)), std::move(fds)));
  }
  ASSERT_EQ(*queue.Flush(sockets.a.get()), SendQueue::Progress::kEmpty);
  FrameReceiver receiver(kMaxPayloadBytes);
  const absl::StatusOr<std::vector<Frame>> frames = TakeAll(receiver, sockets.b.get());
  ASSERT_TRUE(frames.ok()) << frames.status();
  ASSERT_EQ(frames->size(), static_cast<size_t>(kFrames));
  for (size_t i = 0; i < frames->size(); ++i) {
    ASSERT_EQ((*frames)[i].fds.size(), i);
    for (size_t k = 0; k < i; ++k) {
      EXPECT_EQ(SizeOf((*frames)[i].fds[k]), static_cast<off_t>(100 * i + k));
    }
  }
}

TEST(FrameIo, LargeFramesPassThroughASmallSocketInPieces) {
  Sockets sockets;
  SendQueue queue;
  std::vector<OwnedFd> fds;
  fds.push_back(FileOfSize(42));
  const std::string bytes(kMaxContributionBytes, 'z');
  queue.Push(FrameOf(EncodePart({NodeId(1), bytes}, 1), std::move(fds)));
  FrameReceiver receiver(kMaxPayloadBytes);
  std::vector<Frame> frames;
  int blocked = 0;
  while (frames.empty()) {
    const absl::StatusOr<SendQueue::Progress> progress = queue.Flush(sockets.a.get());
    ASSERT_TRUE(progress.ok());
    blocked += *progress == SendQueue::Progress::kSocket ? 1 : 0;
    absl::StatusOr<std::vector<Frame>> got = TakeAll(receiver, sockets.b.get());
    ASSERT_TRUE(got.ok());
    frames = *std::move(got);
  }
  EXPECT_GT(blocked, 0);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(DecodePart(frames[0].bytes())->bytes, bytes);
  EXPECT_EQ(SizeOf(frames[0].fds.at(0)), 42);
}

TEST(FrameIo, TheEndOfASocketIsSeenAfterWhatWasSaid) {
  Sockets sockets;
  SendQueue queue;
  queue.Push(FrameOf(EncodeLeave()));
  ASSERT_TRUE(queue.Flush(sockets.a.get()).ok());
  sockets.a.reset();
  FrameReceiver receiver(kMaxPayloadBytes);
  bool more = true;
  ASSERT_TRUE(*receiver.ReceiveFrom(sockets.b.get(), more));
  EXPECT_TRUE((*receiver.Next()).has_value());
  EXPECT_FALSE(*receiver.ReceiveFrom(sockets.b.get(), more));
}

TEST(FrameIo, SendingToNobodyIsAnError) {
  Sockets sockets;
  sockets.b.reset();
  SendQueue queue;
  queue.Push(FrameOf(EncodeLeave()));
  EXPECT_TRUE(absl::IsUnavailable(queue.Flush(sockets.a.get()).status()));
}

}  // namespace
}  // namespace farpage::bootstrap
