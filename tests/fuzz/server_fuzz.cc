// The launcher's rendezvous against whatever processes may connect and send, over real sockets:
// several connections at a time, with good and bad frames, cut anywhere, closed at any time.
#include <sys/socket.h>

#include <array>
#include <string>

#include "runtime/bootstrap/messages.h"
#include "runtime/bootstrap/rendezvous_server.h"
#include "runtime/bootstrap/unix_address.h"
#include "tests/fuzz/fuzz_input.h"
#include "transport/rendezvous.h"

namespace farpage::testing {
namespace {

using bootstrap::RendezvousServer;
using transport::OwnedFd;

constexpr uint32_t kNodes = 3;

class Job {
 public:
  Job() : server_(*RendezvousServer::Listen(kNodes)) {
    address_ = *bootstrap::ParseUnixAddress(server_->address());
  }

  void Take(FuzzInput& input) {
    OwnedFd& socket = sockets_[input.Below(kNodes + 1)];
    const uint32_t what = input.Below(8);
    if (what == 7) {
      socket.reset();
    } else if (what == 6) {
      const uint32_t node = input.Below(kNodes);
      const bool killed = input.Flag();
      if (std::exchange(ended_[node], true)) return;  // it is told once
      server_->NodeEnded(NodeId(node), {.kind = killed ? bootstrap::ProcessEnd::Kind::kKilled
                                                       : bootstrap::ProcessEnd::Kind::kExited,
                                        .code = static_cast<int>(1 + input.Below(8))});
    } else {
      Send(socket, Frame(what, input));
    }
    server_->Process();
    (void)server_->next_deadline();
  }

 private:
  std::string Frame(uint32_t what, FuzzInput& input) const {
    switch (what) {
      case 0: {
        bootstrap::Hello hello;
        hello.secret = *bootstrap::ParseSecret(server_->secret_text());
        hello.rank = input.Below(kNodes + 1);
        hello.size = kNodes;
        return bootstrap::EncodeHello(hello);
      }
      case 1:
        return bootstrap::EncodeContribute(
            {std::string(1, static_cast<char>('a' + input.Below(2))), 1000, input.Bytes(8)},
            static_cast<uint8_t>(input.Below(2)));
      case 2:
        return bootstrap::EncodeLeave();
      case 3:
        return bootstrap::EncodePart({NodeId(input.Below(kNodes)), "x"}, 0);
      default:
        return input.ShortText();
    }
  }
  void Send(OwnedFd& fd, const std::string& bytes) {
    if (fd.get() < 0) {
      fd = OwnedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      Expect(connect(fd.get(), address_.get(), address_.length) == 0, "the launcher listens");
      server_->Process();
    }
    // The launcher may have closed it already.
    [[maybe_unused]] const ssize_t sent =
        send(fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  std::unique_ptr<RendezvousServer> server_;
  bootstrap::UnixAddress address_;
  std::array<OwnedFd, kNodes + 1> sockets_;
  std::array<bool, kNodes> ended_{};
};

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  constexpr size_t kMostSteps = 64;
  FuzzInput input(data, size);
  Job job;
  for (size_t step = 0; step < kMostSteps && !input.empty(); ++step) job.Take(input);
  return 0;
}
