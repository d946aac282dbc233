// Owners of verbs objects. Members are declared in the order in which the objects need each other.
#ifndef FARPAGE_TRANSPORT_VERBS_HANDLES_H_
#define FARPAGE_TRANSPORT_VERBS_HANDLES_H_

#include <infiniband/verbs.h>

#include <memory>

namespace farpage::transport::verbs {

template <auto Destroy>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    Destroy(object);
  }
};

using ContextHandle = std::unique_ptr<ibv_context, Destroyer<ibv_close_device>>;
using DomainHandle = std::unique_ptr<ibv_pd, Destroyer<ibv_dealloc_pd>>;
using ChannelHandle = std::unique_ptr<ibv_comp_channel, Destroyer<ibv_destroy_comp_channel>>;
using CompletionQueueHandle = std::unique_ptr<ibv_cq, Destroyer<ibv_destroy_cq>>;
using QueuePairHandle = std::unique_ptr<ibv_qp, Destroyer<ibv_destroy_qp>>;
using RegionHandle = std::unique_ptr<ibv_mr, Destroyer<ibv_dereg_mr>>;

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_HANDLES_H_
