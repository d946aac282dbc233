#include "tests/transport/fake_nic.h"

#include <cerrno>

namespace farpage::transport::verbs {

FakeNic::FakeNic() {
  pair_.context = &context_;
  pair_.qp_context = this;
  for (ibv_cq* queue : {&sends_, &receives_}) {
    queue->context = &context_;
    queue->cq_context = this;
  }
  context_.ops.post_send = [](ibv_qp* pair, ibv_send_wr* requests, ibv_send_wr** refused) {
    return static_cast<FakeNic*>(pair->qp_context)->PostSend(requests, refused);
  };
  context_.ops.post_recv = [](ibv_qp* pair, ibv_recv_wr* requests, ibv_recv_wr**) {
    for (; requests != nullptr; requests = requests->next) {
      ++static_cast<FakeNic*>(pair->qp_context)->receives_posted_;
    }
    return 0;
  };
  context_.ops.poll_cq = [](ibv_cq* queue, int most, ibv_wc* results) {
    auto* const nic = static_cast<FakeNic*>(queue->cq_context);
    return nic->Poll(queue == &nic->sends_ ? nic->results_ : nic->received_, most, results);
  };
}

int FakeNic::PostSend(ibv_send_wr* requests, ibv_send_wr** refused) {
  ++doorbells_;
  for (; requests != nullptr; requests = requests->next) {
    if (posted_.size() >= capacity_) {
      *refused = requests;
      return ENOMEM;
    }
    Request& taken = posted_.emplace_back();
    taken.request = *requests;
    if (requests->num_sge == 0) continue;
    taken.piece = *requests->sg_list;
    if ((requests->send_flags & IBV_SEND_INLINE) != 0) {
      taken.inline_data.assign(reinterpret_cast<const char*>(taken.piece.addr), taken.piece.length);
    }
  }
  return 0;
}

void FakeNic::EndOne(ibv_wc_status status) {
  const Request& ended = posted_.at(ended_++);
  if (status == IBV_WC_SUCCESS && !ended.signalled()) return;
  ibv_wc result{};
  result.wr_id = ended.request.wr_id;
  result.status = status;
  results_.push_back(result);
}

void FakeNic::EndAll() {
  while (under_way() > 0) EndOne();
}

int FakeNic::Poll(std::deque<ibv_wc>& from, int most, ibv_wc* results) {
  if (automatic_ && &from == &results_) {
    while (under_way() > 0 && results_.empty()) EndOne();
  }
  int count = 0;
  for (; count < most && !from.empty(); ++count) {
    results[count] = from.front();
    from.pop_front();
  }
  return count;
}

}  // namespace farpage::transport::verbs
