#include "tests/sync/sync_cluster.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/sync/deferred_transport.h"

namespace farpage::internal {

using transport::Backend;
using transport::DeferredTransport;
using transport::Rendezvous;
using transport::Transport;

namespace {

constexpr int64_t kSpinNs = 20'000;
constexpr int64_t kAgentSliceNs = 20'000'000;

Backend Deferred(const Backend& backend) {
  Backend deferred = backend;
  deferred.name += "_deferred";
  deferred.create = [create = backend.create](
                        Rendezvous& rendezvous,
                        absl::Time deadline) -> absl::StatusOr<std::unique_ptr<Transport>> {
    absl::StatusOr<std::unique_ptr<Transport>> inner = create(rendezvous, deadline);
    if (!inner.ok()) return inner.status();
    return std::make_unique<DeferredTransport>(*std::move(inner));
  };
  return deferred;
}

}  // namespace

std::vector<Backend> SyncBackends() {
  std::vector<Backend> backends = transport::BackendsUnderTest();
  for (size_t index = 0; index < backends.size(); ++index) {
    if (backends[index].name == "shm") {
      backends.push_back(Deferred(backends[index]));
      break;
    }
  }
  return backends;
}

SyncNode::SyncNode(std::unique_ptr<Transport> transport, Rendezvous& rendezvous,
                   const Options& options)
    : transport_(std::move(transport)),
      fabric_(*transport_, counters_, clock_, kSpinNs),
      cluster_(options, rendezvous, fabric_) {
  if (!transport_->capabilities().completes_inline) agent_ = std::thread([this] { ServeEvents(); });
}

SyncNode::~SyncNode() {
  ending_.store(true);
  transport_->Interrupt();
  if (agent_.joinable()) agent_.join();
}

void SyncNode::ServeEvents() {
  while (!ending_.load()) {
    transport_->WaitForEvents(clock_.NowNs() + kAgentSliceNs);
    while (fabric_.Progress()) {
    }
  }
}

SyncCluster::SyncCluster(const Backend& backend, uint32_t nodes, int64_t timeout_ms)
    : rendezvous_(nodes), nodes_(nodes) {
  Options options;
  options.cluster.timeout_ms = timeout_ms;
  OnAll([&](uint32_t id) {
    Rendezvous& rendezvous = rendezvous_.node(NodeId(id));
    auto transport = backend.create(rendezvous, absl::Now() + absl::Minutes(1));
    if (!transport.ok()) Fail(transport.status());
    nodes_[id] = std::make_unique<SyncNode>(*std::move(transport), rendezvous, options);
  });
}

SyncCluster::~SyncCluster() {
  // As nodes do that leave together; closing a connection may wait for the other side.
  OnAll([this](uint32_t id) { nodes_[id].reset(); });
}

void SyncCluster::MarkFailed(uint32_t id) {
  for (uint32_t other = 0; other < size(); ++other) {
    if (other == id || nodes_[other] == nullptr) continue;
    nodes_[other]->transport().MarkPeerFailed(NodeId(id), "the test says so");
  }
}

void SyncCluster::OnAll(const std::function<void(uint32_t id)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(nodes_.size());
  for (uint32_t id = 0; id < nodes_.size(); ++id) threads.emplace_back([&body, id] { body(id); });
  for (std::thread& thread : threads) thread.join();
}

void SyncCluster::Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

void Await(const char* what, const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) {
      std::fprintf(stderr, "gave up waiting: %s\n", what);
      std::abort();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

bool Names(const absl::Status& status, uint32_t node) {
  const std::string name = absl::StrCat("node ", node);
  const std::string message(status.message());
  for (size_t at = message.find(name); at != std::string::npos; at = message.find(name, at + 1)) {
    const size_t end = at + name.size();
    if (end == message.size() || message[end] < '0' || message[end] > '9') return true;
  }
  return false;
}

}  // namespace farpage::internal
