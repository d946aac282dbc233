#include "runtime/cli/perf/job_node.h"

#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/options_table.h"

namespace farpage::cli::perf {

using internal::kPageBytes;
using transport::Operation;

absl::StatusOr<std::unique_ptr<JobNode>> JobNode::Join(
    const std::function<void(NodeOptions& options)>& adjust) {
  absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
  if (!options.ok()) return options.status();
  if (adjust) adjust(options->node);
  std::unique_ptr<JobNode> job(new JobNode(*std::move(options)));
  absl::StatusOr<std::unique_ptr<internal::NodeImpl>> node =
      internal::NodeImpl::Join(job->options_);
  if (!node.ok()) return node.status();
  job->node_ = *std::move(node);
  return job;
}

absl::Status JobNode::Meet(std::string_view what) { return cluster().AllGather(what, "").status(); }

absl::StatusOr<std::vector<double>> JobNode::Gather(std::string_view what, double mine) {
  absl::StatusOr<std::vector<std::string>> all =
      cluster().AllGather(what, std::string(reinterpret_cast<const char*>(&mine), sizeof mine));
  if (!all.ok()) return all.status();
  std::vector<double> numbers(all->size());
  for (size_t index = 0; index < all->size(); ++index) {
    if ((*all)[index].size() != sizeof mine) return absl::InternalError("not a number");
    std::memcpy(&numbers[index], (*all)[index].data(), sizeof mine);
  }
  return numbers;
}

absl::StatusOr<std::vector<Statistics>> JobNode::GatherStatistics(std::string_view what) {
  const Statistics own = node_->counters().Snapshot();
  absl::StatusOr<std::vector<std::string>> all =
      cluster().AllGather(what, std::string(reinterpret_cast<const char*>(&own), sizeof own));
  if (!all.ok()) return all.status();
  std::vector<Statistics> counts(all->size());
  for (size_t index = 0; index < all->size(); ++index) {
    if ((*all)[index].size() != sizeof own) return absl::InternalError("not statistics");
    std::memcpy(&counts[index], (*all)[index].data(), sizeof own);
  }
  return counts;
}

absl::StatusOr<std::span<uint64_t>> JobNode::AllocatePages(std::string_view name, uint64_t pages,
                                                           uint32_t home) {
  absl::StatusOr<void*> data =
      node_->Allocate(name, pages * kPageBytes, {.placement = Placement::kOneHome, .home = home});
  if (!data.ok()) return data.status();
  return std::span<uint64_t>(static_cast<uint64_t*>(*data), pages * kWordsPerPage);
}

absl::Status JobNode::Run(NodeId peer, std::span<const Operation> chain) {
  return FateStatus(fabric().Run(peer, chain, cluster().DeadlineNs()), peer);
}

namespace {

// Each node's memory: where results land, the words that others change, the pages that they read.
constexpr size_t kLandingBytes = 2 * kPageBytes;
constexpr size_t kWordStride = 16;  // as directory entries lie

constexpr size_t WordBytes(uint64_t words) {
  return (words * kWordStride + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FabricFloor>> FabricFloor::Create(JobNode& job, NodeId home,
                                                                 uint64_t words) {
  absl::StatusOr<internal::SymmetricMemory> memory = job.cluster().AllocateSymmetric(
      "words and pages of the floor", kLandingBytes + WordBytes(words) + words * kPageBytes);
  if (!memory.ok()) return memory.status();
  std::memset(memory->own->data(), 0, memory->own->size());
  return std::unique_ptr<FabricFloor>(new FabricFloor(job, home, words, *std::move(memory)));
}

Operation FabricFloor::AtomicOn(uint64_t index) const {
  return Operation::FetchAndAdd(
      memory_.remote[home_.value()] + (kLandingBytes + index * kWordStride), 1,
      reinterpret_cast<uint64_t*>(memory_.own->data()), memory_.own->local_key());
}

absl::Status FabricFloor::Atomic(uint64_t index) {
  const std::array chain = {AtomicOn(index)};
  return job_.Run(home_, chain);
}

absl::Status FabricFloor::Chain(uint64_t index) {
  const Operation atomic = AtomicOn(index);
  std::byte* here = memory_.own->data();
  const transport::LocalKey key = memory_.own->local_key();
  const std::array chain = {
      atomic, Operation::Read(here + 8, key, atomic.remote, kWordStride),
      Operation::Read(
          here + kPageBytes, key,
          memory_.remote[home_.value()] + (kLandingBytes + WordBytes(words_) + index * kPageBytes),
          kPageBytes)};
  return job_.Run(home_, chain);
}

absl::Status FabricFloor::Read(uint64_t index) {
  const std::array chain = {Operation::Read(
      memory_.own->data() + kPageBytes, memory_.own->local_key(),
      memory_.remote[home_.value()] + (kLandingBytes + WordBytes(words_) + index * kPageBytes),
      kPageBytes)};
  return job_.Run(home_, chain);
}

absl::StatusOr<std::unique_ptr<WordLinks>> WordLinks::Create(JobNode& job) {
  constexpr size_t kLineBytes = 64;
  absl::StatusOr<internal::SymmetricMemory> memory =
      job.cluster().AllocateSymmetric("words between nodes", job.size() * kLineBytes);
  if (!memory.ok()) return memory.status();
  auto links = std::make_unique<WordLinks>();
  links->memory_ = *std::move(memory);
  links->self_ = job.id();
  for (uint32_t node = 0; node < job.size(); ++node) {
    links->links_.emplace_back(job.fabric().transport(), NodeId(node),
                               links->memory_.own->data() + node * kLineBytes,
                               links->memory_.remote[node] + job.id() * kLineBytes);
  }
  return links;
}

absl::Status WordLinks::ExchangeWithAll() {
  ++exchanges_;
  absl::Status ok;
  for (uint32_t node = 0; node < links_.size() && ok.ok(); ++node) {
    if (node != self_) ok = links_[node].Signal(exchanges_);
  }
  for (uint32_t node = 0; node < links_.size() && ok.ok(); ++node) {
    if (node != self_) ok = links_[node].Await(exchanges_);  // or one ahead already
  }
  return ok;
}

}  // namespace farpage::cli::perf
