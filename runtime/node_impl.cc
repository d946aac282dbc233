#include "runtime/node_impl.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/fatal.h"
#include "transport/factory.h"

namespace farpage::internal {

using transport::Fate;

namespace {

// The agent keeps looking for more for so long after it has served something.
constexpr int64_t kAgentSpinNs = 2'000;

std::atomic<Stepper*> stepper_of_new_nodes{nullptr};

}  // namespace

void SetStepperOfNewNodes(Stepper* stepper) { stepper_of_new_nodes.store(stepper); }

absl::StatusOr<std::unique_ptr<NodeImpl>> NodeImpl::Join(const Options& options) {
  std::unique_ptr<NodeImpl> node(new NodeImpl(options));
  const absl::Status status = node->Build();
  if (!status.ok()) return status;
  return node;
}

absl::Status NodeImpl::Build() {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(options_.cluster.join_timeout_ms);
  absl::StatusOr<std::unique_ptr<bootstrap::Membership>> membership =
      bootstrap::JoinCluster(options_.node, deadline);
  if (!membership.ok()) return membership.status();
  membership_ = *std::move(membership);
  if (absl::Status same = CompareClusterOptions(); !same.ok()) return same;

  const NodeOptions& own = options_.node;
  absl::StatusOr<std::unique_ptr<transport::Transport>> transport =
      transport::CreateTransport(*membership_,
                                 {options_.cluster.transport, own.verbs_device, own.verbs_port,
                                  own.verbs_gid_index, own.verbs_mtu_bytes},
                                 deadline);
  if (!transport.ok()) return transport.status();
  transport_ = *std::move(transport);
  fabric_ = std::make_unique<Fabric>(*transport_, counters_, clock_, SpinNs());
  cluster_ = std::make_unique<Cluster>(options_, *membership_, *fabric_);

  absl::StatusOr<std::unique_ptr<AddressSpace>> space =
      AddressSpace::Reserve(options_.cluster.address_space_bytes);
  if (!space.ok()) return space.status();
  space_ = *std::move(space);
  absl::StatusOr<std::unique_ptr<Pager>> pager =
      CreatePager(own.pager, space_->base(), space_->bytes());
  if (!pager.ok()) return pager.status();
  pager_ = *std::move(pager);
  absl::StatusOr<std::unique_ptr<Engine>> engine =
      Engine::Create(*cluster_, *space_, *pager_,
                     {.cache_pages = std::max<uint64_t>(own.cache_bytes / kPageBytes, 16),
                      .prefetch = own.prefetch,
                      .minimum_hold_ns = own.minimum_hold_ns,
                      .stepper = stepper_of_new_nodes.load()});
  if (!engine.ok()) return engine.status();
  engine_ = *std::move(engine);
  fabric_->set_message_handler(engine_.get());
  if (absl::Status handler = InstallFaultHandler(this); !handler.ok()) return handler;
  handles_faults_ = true;
  if (own.minimum_hold_ns == 0) engine_->set_minimum_hold_ns(MeasureMinimumHoldNs());
  agent_ = std::make_unique<Agent>(*fabric_, *engine_, *membership_, kAgentSpinNs);

  absl::StatusOr<std::unique_ptr<Barrier>> barrier = Barrier::Create(*cluster_);
  if (!barrier.ok()) return barrier.status();
  barrier_ = *std::move(barrier);
  locks_ = std::make_unique<QueueLockPool>(*cluster_);
  return absl::OkStatus();
}

// Who spins where nodes share processors keeps from running whom it waits for.
int64_t NodeImpl::SpinNs() const {
  constexpr int64_t kSpinNs = 20'000;
  if (options_.node.spin_ns >= 0) return options_.node.spin_ns;
  const bool one_machine = options_.cluster.transport == "shm";
  return one_machine && membership_->size() > std::thread::hardware_concurrency() ? 0 : kSpinNs;
}

absl::Status NodeImpl::CompareClusterOptions() {
  transport::Contribution mine;
  mine.bytes = bootstrap::ClusterOptionsText(options_.cluster);
  const std::string own_text = mine.bytes;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(options_.cluster.join_timeout_ms);
  absl::StatusOr<std::vector<transport::Contribution>> all =
      membership_->AllGather("cluster options", std::move(mine), deadline);
  if (!all.ok()) return all.status();
  for (uint32_t node = 0; node < all->size(); ++node) {
    absl::Status same = bootstrap::CompareClusterOptions(membership_->self(), own_text,
                                                         NodeId(node), (*all)[node].bytes);
    if (!same.ok()) return same;
  }
  return absl::OkStatus();
}

// How long a thread takes from the end of the handler to its access, with room: measured as the
// whole of a fault that is served at once.
int64_t NodeImpl::MeasureMinimumHoldNs() {
  constexpr int kTurns = 8;
  constexpr int64_t kLongest = 1'000'000;
  void* page = mmap(nullptr, kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return kLongest / 100;
  calibration_page_.store(page);
  int64_t shortest = kLongest;
  for (int turn = 0; turn < kTurns; ++turn) {
    mprotect(page, kPageBytes, PROT_NONE);
    const int64_t begin = clock_.NowNs();
    static_cast<void>(*static_cast<volatile char*>(page));
    shortest = std::min(shortest, clock_.NowNs() - begin);
  }
  calibration_page_.store(nullptr);
  munmap(page, kPageBytes);
  return 2 * shortest;
}

bool NodeImpl::Owns(const void* address) const {
  return space_->Contains(address) || address == calibration_page_.load();
}

bool NodeImpl::Serve(void* address, Access access) {
  if (address == calibration_page_.load()) {
    return mprotect(address, kPageBytes, PROT_READ | PROT_WRITE) == 0;
  }
  Region* region = space_->Find(address);
  if (region == nullptr) {
    Complain(
        "node %u: %s at %p: the address is in the range of shared memory, but in no region; "
        "is it past the end of an allocation?",
        cluster_->self().value(), access == Access::kRead ? "read" : "write", address);
    return false;
  }
  const uint64_t index = space_->PageOf(address).value - region->first_page.value;
  const int64_t deadline_ns = cluster_->FetchDeadlineNs();
  const AccessResult result = region->consistency == Consistency::kRelease
                                  ? release_->Obtain(*region, index, access, deadline_ns)
                                  : engine_->Obtain(*region, index, access, deadline_ns);
  if (result.fate == Fate::kOk) return true;
  Complain(
      "node %u: %s at %p: page %llu of region '%s' (home: node %u) %s node %u %s",
      cluster_->self().value(), access == Access::kRead ? "read" : "write", address,
      static_cast<unsigned long long>(index), region->name.c_str(),
      region->homes.HomeOf(index).value(),
      result.fate == Fate::kTimedOut ? "did not come within FARPAGE_FETCH_TIMEOUT_MS:" : "is lost:",
      result.peer.value(), result.fate == Fate::kTimedOut ? "does not answer" : "has failed");
  return false;
}

NodeImpl::~NodeImpl() {
  if (agent_ != nullptr && barrier_ != nullptr) Leave();
  resources_.clear();
  if (handles_faults_) RemoveFaultHandler();
  agent_.reset();
  if (membership_ != nullptr) membership_->Leave();
}

// Serves the others until all have come here, or one has died.
void NodeImpl::Leave() {
  const Statistics own = counters_.Snapshot();
  if (options_.node.print_statistics) {
    std::fprintf(stderr, "farpage: statistics of node %u\n%s", cluster_->self().value(),
                 own.ToText().c_str());
  }
  agent_->ExpectDepartures();
  absl::StatusOr<std::vector<std::string>> all =
      cluster_->AllGather("leave", std::string(reinterpret_cast<const char*>(&own), sizeof own));
  if (!all.ok()) {
    Complain("node %u leaves alone: %s", cluster_->self().value(),
             std::string(all.status().message()).c_str());
    return;
  }
  if (!options_.node.print_statistics || cluster_->self() != NodeId(0) || all->size() == 1) return;
  Statistics sum;
  for (const std::string& bytes : *all) {
    Statistics one;
    if (bytes.size() != sizeof one) continue;
    std::memcpy(&one, bytes.data(), sizeof one);
    sum += one;
  }
  std::fprintf(stderr, "farpage: statistics of all %zu nodes\n%s", all->size(),
               sum.ToText().c_str());
}

}  // namespace farpage::internal
