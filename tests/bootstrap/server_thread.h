// A rendezvous server that runs in a thread of the test, and nodes that join it.
#ifndef FARPAGE_TESTS_BOOTSTRAP_SERVER_THREAD_H_
#define FARPAGE_TESTS_BOOTSTRAP_SERVER_THREAD_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/bootstrap/membership.h"
#include "runtime/bootstrap/rendezvous_server.h"

namespace farpage::bootstrap {

class ServerThread {
 public:
  explicit ServerThread(uint32_t size);
  ~ServerThread() { Stop(); }
  void Stop();  // as if the launcher had ended

  // What the launcher would write for node `rank`.
  NodeOptions OptionsFor(uint32_t rank) const;
  absl::StatusOr<std::unique_ptr<Membership>> Join(uint32_t rank) const;
  std::vector<std::unique_ptr<Membership>> JoinAll() const;
  void NodeEnded(uint32_t rank, ProcessEnd end);

 private:
  const uint32_t size_;
  std::string address_;
  std::string secret_;
  std::mutex mutex_;
  std::unique_ptr<RendezvousServer> server_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_TESTS_BOOTSTRAP_SERVER_THREAD_H_
