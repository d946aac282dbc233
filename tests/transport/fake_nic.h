// A device for unit tests of the verbs transport: takes work requests as libibverbs hands them to a
// driver, and ends them as the test says.
#ifndef FARPAGE_TESTS_TRANSPORT_FAKE_NIC_H_
#define FARPAGE_TESTS_TRANSPORT_FAKE_NIC_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "transport/verbs/handles.h"

namespace farpage::transport::verbs {

// One queue pair with its two completion queues.
class FakeNic {
 public:
  struct Request {
    ibv_send_wr request{};  // sg_list and next mean nothing
    ibv_sge piece{};
    std::string inline_data;

    bool signalled() const { return (request.send_flags & IBV_SEND_SIGNALED) != 0; }
    bool fenced() const { return (request.send_flags & IBV_SEND_FENCE) != 0; }
  };

  FakeNic();
  FakeNic(const FakeNic&) = delete;
  FakeNic& operator=(const FakeNic&) = delete;

  ibv_qp* pair() { return &pair_; }
  ibv_cq* sends() { return &sends_; }
  ibv_cq* receives() { return &receives_; }

  // All requests posted so far, those that have ended too, and how many doorbells that took.
  const std::vector<Request>& posted() const { return posted_; }
  size_t doorbells() const { return doorbells_; }
  size_t under_way() const { return posted_.size() - ended_; }
  size_t receives_posted() const { return receives_posted_; }

  // Takes this many further requests, then refuses with ENOMEM.
  void RefuseAfter(size_t requests) { capacity_ = posted_.size() + requests; }
  // Ends the oldest request with success, or with `status`; both make a result only as a device
  // would.
  void EndOne(ibv_wc_status status = IBV_WC_SUCCESS);
  // Ends all with success.
  void EndAll();
  // While true, a look at the empty queue of sends ends everything up to the next signalled
  // request.
  void set_automatic(bool automatic) { automatic_ = automatic; }
  // Ends a receive request.
  void AddReceived(const ibv_wc& result) { received_.push_back(result); }

 private:
  int PostSend(ibv_send_wr* requests, ibv_send_wr** refused);
  int Poll(std::deque<ibv_wc>& from, int most, ibv_wc* results);

  ibv_context context_{};
  ibv_qp pair_{};
  ibv_cq sends_{};
  ibv_cq receives_{};
  std::vector<Request> posted_;
  size_t ended_ = 0;
  size_t doorbells_ = 0;
  size_t receives_posted_ = 0;
  size_t capacity_ = SIZE_MAX;
  bool automatic_ = false;
  std::deque<ibv_wc> results_;
  std::deque<ibv_wc> received_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TESTS_TRANSPORT_FAKE_NIC_H_
