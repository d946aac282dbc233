#include "tests/simulation/simulated_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/simulation/describe.h"
#include "tests/simulation/thread_operations.h"

namespace farpage::simulation {

using internal::PageId;
using transport::sim::Scheduler;

namespace {

transport::sim::NetworkOptions NetworkOptions(const ClusterOptions& options) {
  transport::sim::NetworkOptions network;
  network.latency = options.latency;
  network.faults = options.faults;
  network.mailbox_slots = options.mailbox_slots;
  network.direct = options.direct;
  return network;
}

}  // namespace

SimulatedCluster::SimulatedCluster(const ClusterOptions& options)
    : options_(options),
      scheduler_(options.nodes),
      network_(scheduler_, options.nodes, NetworkOptions(options), options.seed, trace_),
      gathering_(network_) {
  SimulateThreadOperations();
  scheduler_.set_processors(options.processors);
  network_.set_on_death([this](NodeId node) { truth_.OnDeath(node); });
  scheduler_.set_on_switch([this](uint32_t thread) { SwitchTo(thread); });
  for (uint32_t id = 0; id < options.nodes; ++id) {
    nodes_.push_back(std::make_unique<SimulatedNode>(*this, NodeId(id)));
  }
}

SimulatedCluster::~SimulatedCluster() = default;

StepWatch SimulatedCluster::MakeWatch(NodeId node) {
  return StepWatch(
      options_.step, coverage_,
      [this, node](const StepTaken& step) {
        const bool nothing = step.event == directory::Event::kIrrelevant;
        if (!nothing) trace_.Add(DescribeStep(scheduler_.now_ns(), node, step));
        if (on_step_) on_step_(node, step);
      },
      [this, node](PageId page, const std::string& what) {
        Fail(absl::StrCat("node ", node.value(), ": ", what), page);
      });
}

SimulatedPager::Options SimulatedCluster::PagerOptions(NodeId node) {
  SimulatedPager::Options options;
  options.maps_home_in_place = options_.maps_home_in_place;
  options.costs = options_.pager;
  options.truth = options_.check ? &truth_ : nullptr;
  options.on_wrong = [this](PageId page, const std::string& what) { Fail(what, page); };
  options.on_change = [this, node](PageId page, MappingChange change) {
    trace_.Add(DescribeChange(scheduler_.now_ns(), node, page, change));
  };
  return options;
}

// The runtime's stream detector is one per thread of the operating system: threads of the
// simulation take turns with it.
void SimulatedCluster::SwitchTo(uint32_t thread) {
  if (thread == detector_in_use_) return;
  internal::StreamDetector& own = internal::StreamDetector::OfThisThread();
  if (detectors_.size() <= thread) detectors_.resize(thread + 1);
  if (detector_in_use_ != UINT32_MAX) detectors_[detector_in_use_] = own;
  own = detectors_[thread];
  detector_in_use_ = thread;
}

void SimulatedCluster::Fail(std::string what, std::optional<PageId> page) {
  if (!failure_.has_value()) failure_ = Failure{std::move(what), page};
  scheduler_.Halt();
}

void SimulatedCluster::Run(const std::function<void(SimulatedNode&)>& body) {
  for (const std::unique_ptr<SimulatedNode>& node : nodes_) {
    scheduler_.Start(node->id().value(), /*background=*/false, [&body, one = node.get()] {
      one->Build();
      body(*one);
    });
  }
  RunFor(options_.most_virtual_ns);
  if (!failure_.has_value()) StopAgents();
}

void SimulatedCluster::RunFor(int64_t until_ns) {
  switch (scheduler_.Run(until_ns, options_.most_events)) {
    case Scheduler::End::kFinished:
    case Scheduler::End::kHalted:
      return;
    case Scheduler::End::kTime:
      return Fail(absl::StrCat("threads have not ended after ", until_ns, " virtual ns"));
    case Scheduler::End::kEvents:
      return Fail(absl::StrCat("threads have not ended after ", options_.most_events, " events"));
  }
}

void SimulatedCluster::StopAgents() {
  constexpr int64_t kPatienceNs = 10'000'000'000;
  uint32_t alive = 0;
  for (const std::unique_ptr<SimulatedNode>& node : nodes_) {
    if (!network_.alive(node->id())) continue;
    if (alive++ > 0) continue;
    scheduler_.Start(node->id().value(), /*background=*/false, [this] {
      for (const std::unique_ptr<SimulatedNode>& one : nodes_) {
        if (network_.alive(one->id())) one->agent_->Stop();
      }
      // Nodes may still die meanwhile; their agents do not end.
      const auto runs = [this](const std::unique_ptr<SimulatedNode>& one) {
        return network_.alive(one->id()) && one->agent_runs_;
      };
      while (std::any_of(nodes_.begin(), nodes_.end(), runs)) scheduler_.Advance(10'000);
    });
  }
  if (alive > 0) RunFor(scheduler_.now_ns() + kPatienceNs);
}

std::string SimulatedCluster::DescribeTrace(std::optional<PageId> page, size_t most) const {
  return DescribeEvents(trace_, page, most);
}

}  // namespace farpage::simulation
