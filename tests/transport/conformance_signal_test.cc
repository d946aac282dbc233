// What may run inside a SIGBUS handler, on every back end.
#include <sys/mman.h>

#include <csignal>
#include <cstdlib>

#include "tests/transport/allocation_count.h"
#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

// What the handler uses; set while a test expects faults.
struct {
  Transport* transport = nullptr;
  std::byte* page = nullptr;
  RemoteAddress count;
  std::atomic<uint32_t> faults{0};
} fault_context;

// Does what the runtime does in a fault: posts, sends, receives and waits; then lets the access go
// on.
void OnFault(int, siginfo_t* info, void*) {
  auto* const address = static_cast<std::byte*>(info->si_addr);
  if (address < fault_context.page || address >= fault_context.page + 4096) std::abort();
  Transport& transport = *fault_context.transport;
  const Operation add = Operation::FetchAndAdd(fault_context.count, 1, nullptr, {});
  if (RunChain(transport, NodeId(1), {&add, 1}) != Fate::kOk) std::abort();
  if (transport.Send(NodeId(1), MakeMessage(7)) != Fate::kOk) std::abort();
  transport.BeginPolling();
  transport.EndPolling();
  ++fault_context.faults;
  ::mprotect(fault_context.page, 4096, PROT_READ | PROT_WRITE);
}

// Buffers of operations and messages may themselves be memory whose access faults, with a handler
// that posts to the same peer: no lock may be held while they are touched.
TEST_P(Conformance, BuffersMayFaultIntoAHandlerThatPosts) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto local = Allocate(nodes[0], 4096);
  const auto target = Allocate(nodes[1], 8192);
  fault_context.transport = &nodes[0];
  fault_context.page = local->data();
  fault_context.count = target->remote() + 4096;
  fault_context.faults = 0;
  struct sigaction action {
  }, segv_before{}, bus_before{};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  ::sigaction(SIGSEGV, &action, &segv_before);
  ::sigaction(SIGBUS, &action, &bus_before);

  const auto hide = [&] { ::mprotect(local->data(), 4096, PROT_NONE); };
  hide();
  EXPECT_EQ(RunChain(nodes[0], NodeId(1),
                     {Operation::Read(local->data(), local->local_key(), target->remote(), 4096)}),
            Fate::kOk);
  hide();
  EXPECT_EQ(RunChain(nodes[0], NodeId(1),
                     {Operation::Write(local->data(), local->local_key(), target->remote(), 4096)}),
            Fate::kOk);
  hide();
  EXPECT_EQ(RunChain(nodes[0], NodeId(1),
                     {Operation::FetchAndAdd(target->remote(), 0,
                                             reinterpret_cast<uint64_t*>(local->data() + 8),
                                             local->local_key())}),
            Fate::kOk);
  ::mprotect(local->data(), 4096, PROT_READ | PROT_WRITE);
  *reinterpret_cast<Message*>(local->data()) = MakeMessage(9);
  hide();
  EXPECT_EQ(nodes[0].Send(NodeId(1), *reinterpret_cast<const Message*>(local->data())), Fate::kOk);
  ::sigaction(SIGSEGV, &segv_before, nullptr);
  ::sigaction(SIGBUS, &bus_before, nullptr);
  ::mprotect(local->data(), 4096, PROT_READ | PROT_WRITE);

  const uint32_t faults = fault_context.faults;
  EXPECT_EQ(AtomicWord(*target, 512).load(), faults);
  EXPECT_GE(faults, 1u) << "at least the message is read by the processor";
  for (uint32_t i = 0; i < faults; ++i) EXPECT_EQ(ValueOf(ReceiveOne(nodes[1]).message), 7u);
  EXPECT_EQ(ValueOf(ReceiveOne(nodes[1]).message), 9u);
}

TEST_P(Conformance, NothingOnTheDataPathAllocates) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  Transport& transport = nodes[0];
  const auto local = Allocate(transport, 4096);
  const auto target = Allocate(nodes[1], 4096);
  const Operation chain[] = {
      Operation::FetchAndAdd(target->remote(), 1, Words(*local), local->local_key()),
      Operation::Read(local->data() + 8, local->local_key(), target->remote() + 8, 1024),
      Operation::WriteWordWithImmediate(3, target->remote() + 2048)};
  const Message message = MakeMessage(1);
  ReceivedMessage received[4];
  Completion* done[4];
  Ending ending;
  ASSERT_NE(AllocationCount(), 0u);
  const uint64_t before = AllocationCount();
  for (int i = 0; i < 100; ++i) {
    ending.times = 0;
    const Fate fate = transport.Post(NodeId(1), chain, &ending);
    while (fate == Fate::kPending && ending.times == 0) PollOnce(transport);
    transport.Post(NodeId(1), {chain, 1}, nullptr);
    transport.Send(NodeId(1), message);
    transport.Send(NodeId(0), message);
    transport.BeginPolling();
    transport.Receive(received);
    transport.EndPolling();
    transport.Poll({done, 0});
    transport.Interrupt();
    transport.WaitForWord(&AtomicWord(*local, 300), 0, NowNs() + 1000);
    transport.DirectView(NodeId(1), target->remote(), 8);
    transport.peer_failed(NodeId(1));
  }
  EXPECT_EQ(AllocationCount(), before);
}

}  // namespace
}  // namespace farpage::transport
