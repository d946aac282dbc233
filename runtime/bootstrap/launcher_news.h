// What the launcher has said to a node, and what follows from it. Pure: no socket, no lock, so that
// any frames can be thrown at it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_NEWS_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_NEWS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "runtime/bootstrap/frame_io.h"
#include "runtime/bootstrap/membership.h"

namespace farpage::bootstrap {

class LauncherNews {
 public:
  // For a cluster of `size` nodes.
  explicit LauncherNews(uint32_t size) : size_(size) {}

  // INVALID_ARGUMENT for what the launcher cannot say, or not now: the connection is of no use
  // then.
  absl::Status Take(Frame frame);

  bool admitted() const { return admitted_; }

  // Why no exchange can succeed any more, or OK. The first reason stays.
  const absl::Status& broken() const { return broken_; }
  void Break(absl::Status why);

  // From now on parts are expected, one of every node, until EndExchange().
  void BeginExchange();
  bool exchanging() const { return exchanging_; }
  bool exchange_over() const { return !broken_.ok() || parts_here_ == size_; }
  // The parts by node, or why there are none. Once exchange_over().
  absl::StatusOr<std::vector<transport::Contribution>> EndExchange();

  void AddDeath(PeerDeath death) { deaths_.push_back(std::move(death)); }
  size_t deaths() const { return deaths_.size(); }
  std::vector<PeerDeath> TakeDeaths() { return std::exchange(deaths_, {}); }

 private:
  absl::Status TakePart(Frame frame);

  const uint32_t size_;
  bool admitted_ = false;
  absl::Status broken_;
  bool exchanging_ = false;
  uint32_t parts_here_ = 0;
  std::vector<bool> part_here_;
  std::vector<transport::Contribution> parts_;
  std::vector<PeerDeath> deaths_;
};

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_LAUNCHER_NEWS_H_
