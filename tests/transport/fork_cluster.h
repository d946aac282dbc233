// Nodes as processes, for what threads cannot do: die.
#ifndef FARPAGE_TESTS_TRANSPORT_FORK_CLUSTER_H_
#define FARPAGE_TESTS_TRANSPORT_FORK_CLUSTER_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "transport/rendezvous.h"
#include "transport/types.h"

namespace farpage::transport {

// What the processes of a test tell each other apart from the transport under test.
struct SharedPage {
  std::atomic<uint64_t> words[511];  // the test's own
  std::atomic<uint64_t> failures;    // children that have failed
};

// Forks one child per node when it is made; so there must be no other threads then. The children
// run `body`, with a rendezvous over sockets between them; a child succeeds if body returns and
// no expectation has failed in it.
class ForkCluster {
 public:
  using Body = std::function<void(Rendezvous&, SharedPage&)>;

  ForkCluster(uint32_t nodes, const Body& body);
  // Kills what still runs.
  ~ForkCluster();
  ForkCluster(const ForkCluster&) = delete;
  ForkCluster& operator=(const ForkCluster&) = delete;

  SharedPage& page() { return *page_; }
  // Waits until a word of the page has reached `value`. False if a child failed before.
  bool AwaitWord(size_t word, uint64_t value);
  void Kill(NodeId node);  // SIGKILL
  // Waits for the process to end. Returns its wait status, or −1 if that took too long.
  int Wait(NodeId node);
  // The same, and expects success.
  void ExpectSuccess(NodeId node);

 private:
  std::vector<pid_t> pids_;  // 0: has been waited for
  SharedPage* page_ = nullptr;
};

}  // namespace farpage::transport

#endif  // FARPAGE_TESTS_TRANSPORT_FORK_CLUSTER_H_
