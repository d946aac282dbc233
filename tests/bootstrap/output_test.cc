#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "runtime/bootstrap/launch_guards.h"
#include "runtime/bootstrap/line_buffer.h"
#include "runtime/bootstrap/output_sink.h"
#include "runtime/bootstrap/process_end.h"

namespace farpage::bootstrap {
namespace {

using transport::OwnedFd;

TEST(LineBuffer, PassesOnWholeLinesOnly) {
  LineBuffer lines("[7] ");
  EXPECT_EQ(lines.Add("one\ntw"), "[7] one\n");
  EXPECT_EQ(lines.Add(""), "");
  EXPECT_EQ(lines.Add("o\n\nthree"), "[7] two\n[7] \n");
  EXPECT_EQ(lines.Finish(), "[7] three\n");
  EXPECT_EQ(lines.Finish(), "");
}

TEST(LineBuffer, EndlessLinesAreCutAndNothingIsLost) {
  LineBuffer lines("");
  std::string all;
  const size_t total = 3 * LineBuffer::kMaxLineBytes + 5;
  for (size_t i = 0; i < total; i += 1000) {
    const std::string out = lines.Add(std::string(std::min<size_t>(1000, total - i), 'x'));
    EXPECT_TRUE(out.empty() || out.back() == '\n');
    all += out;
  }
  all += lines.Finish();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 4);
  EXPECT_EQ(static_cast<size_t>(std::count(all.begin(), all.end(), 'x')), total);
}

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    reading = OwnedFd(ends[0]);
    writing = OwnedFd(ends[1]);
  }
  OwnedFd reading;
  OwnedFd writing;
};

TEST(OutputSink, AFullPipeBlocksNobodyAndLosesNothing) {
  Pipe pipe;
  OutputSink sink(pipe.writing.get());
  std::string sent;
  for (int i = 0; sent.size() < (1 << 20); ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    sink.Write(line);
    sent += line;
  }
  EXPECT_GT(sink.waiting_bytes(), 0u);
  EXPECT_EQ(fcntl(pipe.writing.get(), F_GETFL) & O_NONBLOCK, 0) << "the pipe is not ours alone";
  std::string got;
  while (got.size() < sent.size()) {
    char buffer[4096];
    const ssize_t count = read(pipe.reading.get(), buffer, sizeof(buffer));
    ASSERT_GT(count, 0);
    got.append(buffer, static_cast<size_t>(count));
    sink.Flush();
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(sink.waiting_bytes(), 0u);
}

TEST(OutputSink, AReaderWhoLeavesBreaksIt) {
  const SignalGuard no_sigpipe(false);
  Pipe pipe;
  OutputSink sink(pipe.writing.get());
  pipe.reading.reset();
  sink.Write("text");
  EXPECT_TRUE(sink.broken());
  EXPECT_EQ(sink.error(), EPIPE);
  sink.Write("more");
  EXPECT_EQ(sink.waiting_bytes(), 0u);
}

TEST(OutputSink, KnowsOnePipeBehindTwoDescriptors) {
  Pipe pipe;
  Pipe other;
  const OwnedFd again(dup(pipe.writing.get()));
  EXPECT_TRUE(SameFile(pipe.writing.get(), again.get()));
  EXPECT_FALSE(SameFile(pipe.writing.get(), other.writing.get()));
}

TEST(ProcessEnd, IsSaidInWordsAndAsAShellWould) {
  const ProcessEnd exited{ProcessEnd::Kind::kExited, 3};
  EXPECT_EQ(DescribeEnd(exited), "exited with status 3");
  EXPECT_EQ(exited.exit_status(), 3);
  EXPECT_FALSE(exited.clean());
  const ProcessEnd killed{ProcessEnd::Kind::kKilled, 9};
  EXPECT_EQ(DescribeEnd(killed), "was killed by signal 9 (Killed)");
  EXPECT_EQ(killed.exit_status(), 137);
  EXPECT_TRUE(ProcessEnd{}.clean());
}

}  // namespace
}  // namespace farpage::bootstrap
