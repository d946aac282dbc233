// What only the verbs transport promises: its options, its set-up errors and its limits. Needs an
// RDMA device.
#include "transport/verbs/verbs_transport.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/transport/fork_cluster.h"
#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

Backend With(const VerbsOptions& options) {
  return {"verbs",
          [options](Rendezvous& rendezvous, absl::Time deadline) {
            return CreateVerbsTransport(rendezvous, options, deadline);
          },
          200};
}

// The errors of all nodes of a cluster whose nodes have these options.
std::vector<absl::Status> Errors(const std::vector<VerbsOptions>& options) {
  LocalCluster cluster(static_cast<uint32_t>(options.size()));
  std::vector<absl::Status> statuses(options.size());
  InParallel(cluster.size(), [&](uint32_t i) {
    statuses[i] =
        CreateVerbsTransport(cluster.node(NodeId(i)), options[i], PatienceTime()).status();
  });
  return statuses;
}

void ExpectError(const absl::Status& status, absl::StatusCode code,
                 const std::vector<std::string>& words) {
  ASSERT_EQ(status.code(), code) << status;
  for (const std::string& word : words) {
    EXPECT_NE(status.message().find(word), absl::string_view::npos) << status << "\nlacks " << word;
  }
}

// Words, atomics and messages both ways, more messages than any ring holds.
void UseEverything(Nodes& nodes) {
  const auto local = Allocate(nodes[0], 8192);
  const auto target = Allocate(nodes[1], 8192);
  const uint32_t chain_length = nodes[0].capabilities().max_chain;
  for (uint64_t round = 1; round <= 200; ++round) {
    Words(*local)[1] = round;
    ASSERT_EQ(
        RunChain(
            nodes[0], NodeId(1),
            {Operation::WriteWord(round, target->remote()),
             Operation::Write(Words(*local) + 1, local->local_key(), target->remote() + 8, 8),
             Operation::FetchAndAdd(target->remote() + 16, 1, nullptr, {}),
             Operation::Read(local->data() + 4096, local->local_key(), target->remote(), 4096)}),
        Fate::kOk);
    const uint64_t* const read = Words(*local) + 512;
    ASSERT_EQ(read[0], round);
    ASSERT_EQ(read[1], round);
    ASSERT_EQ(read[2], round);
    ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(round)), Fate::kOk);
    ASSERT_EQ(ValueOf(ReceiveOne(nodes[1]).message), round);
  }
  const std::vector<Operation> adds(chain_length,
                                    Operation::FetchAndAdd(target->remote() + 24, 1, nullptr, {}));
  for (int i = 0; i < 20; ++i) {
    const Fate fate = nodes[0].Post(NodeId(1), adds, nullptr);
    ASSERT_TRUE(fate == Fate::kOk) << FateName(fate);
  }
  ASSERT_EQ(RunChain(nodes[0], NodeId(1), {Operation::WriteWord(0, target->remote())}), Fate::kOk);
  EXPECT_EQ(AtomicWord(*target, 3).load(), 20u * chain_length);
}

TEST(VerbsTransport, WorksWithoutInlineData) {
  VerbsOptions options;
  options.inline_bytes = 0;
  Nodes nodes(With(options), 2);
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ(nodes[0].capabilities().inline_bytes, 0u);
  UseEverything(nodes);
}

TEST(VerbsTransport, WorksWithTheSmallestQueues) {
  VerbsOptions options;
  options.send_queue_depth = 16;
  options.mailbox_slots = 8;
  options.mtu_bytes = 256;
  Nodes nodes(With(options), 2);
  ASSERT_TRUE(nodes.ok());
  EXPECT_EQ(nodes[0].capabilities().mailbox_slots, 8u);
  UseEverything(nodes);
}

// A sender runs out of credits for word changes because nobody looks at the receiver's events. Then
// the receiver goes to sleep for a word while the sender changes it: with a credit that has just
// come back, or without one.
TEST(VerbsTransport, WordChangesBeyondTheCreditsAreNotLost) {
  Nodes nodes(With({}), 2);
  ASSERT_TRUE(nodes.ok());
  const auto memory = Allocate(nodes[1], 4096);
  const uint64_t changes = 2 * nodes[1].capabilities().mailbox_slots;
  for (uint64_t round = 0; round < 50; ++round) {
    for (uint64_t i = 1; i <= changes; ++i) {
      const Operation change = Operation::WriteWordWithImmediate(i, memory->remote());
      ASSERT_EQ(nodes[0].Post(NodeId(1), {&change, 1}, nullptr), Fate::kOk);
    }
    std::atomic<uint32_t> arrived{0};
    InParallel(2, [&](uint32_t me) {
      ++arrived;
      Await("the other thread", [&] { return arrived == 2; });
      if (me == 0) {
        ASSERT_EQ(RunChain(nodes[0], NodeId(1),
                           {Operation::WriteWordWithImmediate(round + 1, memory->remote() + 8)}),
                  Fate::kOk);
        return;
      }
      const std::atomic<uint64_t>& word = AtomicWord(*memory, 1);
      const int64_t deadline = Patience();
      while (word.load() == round) {
        ASSERT_EQ(nodes[1].WaitForWord(&word, round, deadline), Fate::kOk);
      }
    });
    ASSERT_EQ(AtomicWord(*memory, 0).load(), changes);
  }
}

TEST(VerbsTransport, SetUpErrorsNameTheNodeAndTheFixOnAllNodes) {
  VerbsOptions wrong;
  wrong.device = "nosuch0";
  for (const absl::Status& status : Errors({{}, wrong, {}})) {
    ExpectError(status, absl::StatusCode::kNotFound, {"node 1", "nosuch0", "the devices are"});
  }
  wrong = {};
  wrong.address = "192.0.2.77";
  for (const absl::Status& status : Errors({wrong, {}})) {
    ExpectError(status, absl::StatusCode::kNotFound, {"node 0", "192.0.2.77"});
  }
  wrong = {};
  wrong.gid_index = 200;
  ExpectError(Errors({wrong})[0], absl::StatusCode::kNotFound, {"node 0", "200"});
  wrong = {};
  wrong.port = 9;
  ExpectError(Errors({wrong})[0], absl::StatusCode::kNotFound, {"node 0", "port 9"});
  wrong = {};
  wrong.lifeline_address = "192.0.2.77";
  ExpectError(Errors({wrong})[0], absl::StatusCode::kFailedPrecondition, {"192.0.2.77"});
}

TEST(VerbsTransport, OptionsOutOfBoundsAreRefused) {
  const auto refused = [](const std::function<void(VerbsOptions&)>& change,
                          const std::string& name) {
    VerbsOptions options;
    change(options);
    ExpectError(Errors({options})[0], absl::StatusCode::kInvalidArgument, {"node 0", name});
  };
  refused([](VerbsOptions& o) { o.mtu_bytes = 1500; }, "1500");
  refused([](VerbsOptions& o) { o.mailbox_slots = 12; }, "12");
  refused([](VerbsOptions& o) { o.mailbox_slots = 2048; }, "2048");
  refused([](VerbsOptions& o) { o.send_queue_depth = 15; }, "15");
  refused([](VerbsOptions& o) { o.retries = 8; }, "8");
  refused([](VerbsOptions& o) { o.ack_timeout = absl::Hours(1); }, "1h");
}

TEST(VerbsTransport, NodesMustAgreeOnTheMailbox) {
  VerbsOptions smaller;
  smaller.mailbox_slots = 16;
  for (const absl::Status& status : Errors({{}, smaller})) {
    ExpectError(status, absl::StatusCode::kInvalidArgument, {"16", "64", "mailbox_slots"});
  }
}

// Lets this process pin `bytes`, however privileged it is.
void LimitPinnedMemory(size_t bytes) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
  data[0].effective &= ~(1u << CAP_IPC_LOCK);
  data[0].permitted &= ~(1u << CAP_IPC_LOCK);
  ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
  const rlimit limit{bytes, bytes};
  ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

TEST(VerbsTransport, AMemlockLimitThatIsTooLowIsNamedWithTheNumberNeeded) {
  ForkCluster cluster(1, [](Rendezvous& rendezvous, SharedPage&) {
    LimitPinnedMemory(1 << 20);
    auto transport = CreateVerbsTransport(rendezvous, {}, PatienceTime());
    ASSERT_TRUE(transport.ok()) << transport.status();
    const auto memory = (*transport)->Allocate(8 << 20, "a large thing");
    ExpectError(memory.status(), absl::StatusCode::kResourceExhausted,
                {"node 0", "a large thing", "8388608", "memlock limit is 1048576", "ulimit -l"});
    EXPECT_TRUE((*transport)->Allocate(4096, "a small thing").ok());
  });
  cluster.ExpectSuccess(NodeId(0));
}

TEST(VerbsTransport, MissingDeviceNodesAreNamed) {
  ForkCluster cluster(1, [](Rendezvous& rendezvous, SharedPage&) {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/dev/infiniband", "tmpfs", 0, nullptr) != 0) {
      GTEST_SKIP() << "only root can hide /dev/infiniband";
    }
    const auto transport = CreateVerbsTransport(rendezvous, {}, PatienceTime());
    ExpectError(transport.status(), absl::StatusCode::kNotFound,
                {"node 0", "/dev/infiniband", "--device"});
  });
  cluster.ExpectSuccess(NodeId(0));
}

}  // namespace
}  // namespace farpage::transport
