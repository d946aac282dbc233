// Nodes of one host meet: a node against another that contributes whatever it likes, bytes and
// descriptors.
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/fuzz/fuzz_input.h"
#include "transport/shm/connect.h"

namespace farpage::testing {
namespace {

using transport::Contribution;
using transport::OwnedFd;
using namespace transport::shm;

constexpr uint32_t kNodes = 2;
constexpr uint32_t kSlots = 4;

// Node 1's descriptor where a segment should be.
OwnedFd TakeFile(FuzzInput& input) {
  const uint32_t what = input.Below(8);
  if (what == 7) return OwnedFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  OwnedFd file(::memfd_create("peer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const uint64_t bytes = what == 0 ? input.Number<uint32_t>()
                                   : ArenaOffset(kNodes, kSlots) + kPageBytes * input.Below(4);
  Expect(::ftruncate(file.get(), static_cast<off_t>(bytes)) == 0, "a file of any size");
  if (what != 1) ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK);
  struct {
    uint64_t magic = kMagic;
    uint32_t version = kLayoutVersion;
    uint32_t nodes = kNodes;
    uint32_t mailbox_slots = kSlots;
    uint32_t node = 1;
    uint64_t bytes = 0;
  } header;
  header.bytes = bytes;
  if (what == 2) {  // a few of the header's bytes are others
    const std::string other = input.Bytes(4);
    const size_t at = input.Below(sizeof header - 4);
    std::memcpy(reinterpret_cast<char*>(&header) + at, other.data(), other.size());
  }
  const std::string rest = input.ShortText();
  [[maybe_unused]] ssize_t written = ::pwrite(file.get(), &header, sizeof header, 0);
  written = ::pwrite(file.get(), rest.data(), rest.size(), sizeof header);
  return file;
}

OwnedFd TakeDescriptor(FuzzInput& input) {
  return input.Below(4) == 0 ? OwnedFd(::open("/dev/null", O_RDWR | O_CLOEXEC))
                             : OwnedFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

// Gives the node its own contribution back, and the fuzzer's as node 1's.
class TwoNodes final : public transport::Rendezvous {
 public:
  explicit TwoNodes(FuzzInput& input) : input_(input) {}
  NodeId self() const override { return NodeId(0); }
  uint32_t size() const override { return kNodes; }
  bool carries_fds() const override { return true; }
  absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view, Contribution mine,
                                                      absl::Time) override {
    std::vector<Contribution> all(kNodes);
    all[0] = std::move(mine);
    if (input_.Below(8) == 0) all[1].bytes = input_.ShortText();
    const uint32_t fds = input_.Below(8) == 0 ? input_.Below(5) : 3;
    for (uint32_t i = 0; i < fds; ++i) {
      all[1].fds.push_back(i == 0 ? TakeFile(input_) : TakeDescriptor(input_));
    }
    return all;
  }

 private:
  FuzzInput& input_;
};

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  FuzzInput input(data, size);
  TwoNodes rendezvous(input);
  farpage::transport::ShmOptions options;
  options.mailbox_slots = kSlots;
  options.reserve_bytes = kPageBytes;
  const auto connection = Connect(rendezvous, options, absl::InfinitePast());
  if (!connection.ok()) {
    Expect(!connection.status().message().empty(), "a refusal says why");
    return 0;
  }
  const Segment& peer = (*connection->peers)[farpage::NodeId(1)].segment;
  Expect(peer.bytes >= ArenaOffset(kNodes, kSlots), "a segment has room for what belongs in it");
  return 0;
}
