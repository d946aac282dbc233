#include "tests/bootstrap/server_thread.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace farpage::bootstrap {

ServerThread::ServerThread(uint32_t size) : size_(size) {
  absl::StatusOr<std::unique_ptr<RendezvousServer>> server = RendezvousServer::Listen(size);
  if (!server.ok()) {
    ADD_FAILURE() << server.status();
    return;
  }
  server_ = *std::move(server);
  address_ = server_->address();
  secret_ = server_->secret_text();
  thread_ = std::thread([this] {
    while (!stop_) {
      pollfd ready{server_->event_fd(), POLLIN, 0};
      poll(&ready, 1, 5);
      const std::lock_guard lock(mutex_);
      server_->Process();
    }
  });
}

void ServerThread::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  server_.reset();
}

NodeOptions ServerThread::OptionsFor(uint32_t rank) const {
  NodeOptions node;
  node.rank = rank;
  node.size = size_;
  node.rendezvous = address_;
  node.job_secret = secret_;
  return node;
}

absl::StatusOr<std::unique_ptr<Membership>> ServerThread::Join(uint32_t rank) const {
  return JoinCluster(OptionsFor(rank), absl::Now() + absl::Seconds(10));
}

std::vector<std::unique_ptr<Membership>> ServerThread::JoinAll() const {
  std::vector<std::unique_ptr<Membership>> nodes;
  for (uint32_t rank = 0; rank < size_; ++rank) {
    absl::StatusOr<std::unique_ptr<Membership>> node = Join(rank);
    if (!node.ok()) {
      ADD_FAILURE() << node.status();
      return {};
    }
    nodes.push_back(*std::move(node));
  }
  return nodes;
}

void ServerThread::NodeEnded(uint32_t rank, ProcessEnd end) {
  const std::lock_guard lock(mutex_);
  server_->NodeEnded(NodeId(rank), end);
}

}  // namespace farpage::bootstrap
