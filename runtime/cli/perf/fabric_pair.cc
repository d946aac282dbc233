#include "runtime/cli/perf/fabric_pair.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "transport/factory.h"

namespace farpage::cli::perf {

using transport::Contribution;
using transport::RemoteAddress;

absl::StatusOr<std::unique_ptr<FabricPair>> FabricPair::Join(size_t bytes) {
  const absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
  if (!options.ok()) return options.status();
  std::unique_ptr<FabricPair> pair(new FabricPair);
  pair->patience_ = absl::Milliseconds(options->cluster.timeout_ms);
  const absl::Time deadline = absl::Now() + absl::Milliseconds(options->cluster.join_timeout_ms);
  absl::StatusOr<std::unique_ptr<bootstrap::Membership>> membership =
      bootstrap::JoinCluster(options->node, deadline);
  if (!membership.ok()) return membership.status();
  pair->membership_ = *std::move(membership);
  const NodeOptions& own = options->node;
  absl::StatusOr<std::unique_ptr<transport::Transport>> made =
      transport::CreateTransport(*pair->membership_,
                                 {options->cluster.transport, own.verbs_device, own.verbs_port,
                                  own.verbs_gid_index, own.verbs_mtu_bytes},
                                 deadline);
  if (!made.ok()) return made.status();
  pair->transport_ = *std::move(made);
  absl::StatusOr<std::unique_ptr<transport::Memory>> memory =
      pair->transport_->Allocate(bytes, "measurements");
  if (!memory.ok()) return memory.status();
  pair->memory_ = *std::move(memory);
  std::memset(pair->memory_->data(), 0, bytes);

  const RemoteAddress where = pair->memory_->remote();
  Contribution mine;
  mine.bytes.assign(reinterpret_cast<const char*>(&where), sizeof where);
  absl::StatusOr<std::vector<Contribution>> all =
      pair->membership_->AllGather("memory", std::move(mine), deadline);
  if (!all.ok()) return all.status();
  std::memcpy(&pair->there_, (*all)[pair->peer().value()].bytes.data(), sizeof where);
  return pair;
}

FabricPair::~FabricPair() {
  memory_.reset();
  transport_.reset();
  if (membership_ != nullptr) membership_->Leave();
}

absl::Status FabricPair::Meet(std::string_view what) {
  return membership_->AllGather(what, {}, absl::Now() + patience_).status();
}

absl::StatusOr<std::vector<double>> FabricPair::Gather(std::string_view what, double mine) {
  Contribution contribution;
  contribution.bytes.assign(reinterpret_cast<const char*>(&mine), sizeof mine);
  absl::StatusOr<std::vector<Contribution>> all =
      membership_->AllGather(what, std::move(contribution), absl::Now() + patience_);
  if (!all.ok()) return all.status();
  std::vector<double> numbers;
  for (const Contribution& one : *all) {
    if (one.bytes.size() != sizeof(double)) {
      return absl::InternalError(absl::StrCat(std::string(what), ": a node gave no number"));
    }
    std::memcpy(&numbers.emplace_back(), one.bytes.data(), sizeof(double));
  }
  return numbers;
}

absl::Status FabricPair::Run(std::span<const transport::Operation> chain) {
  return RunChain(*transport_, peer(), chain);
}

absl::Status WithFabricPair(size_t bytes, const std::function<absl::Status(FabricPair&)>& measure) {
  absl::StatusOr<std::unique_ptr<FabricPair>> pair = FabricPair::Join(bytes);
  if (!pair.ok()) return pair.status();
  absl::Status status;
  if ((*pair)->measures()) status = measure(**pair);
  if (!status.ok()) return status;
  return (*pair)->Meet("the end");
}

}  // namespace farpage::cli::perf
