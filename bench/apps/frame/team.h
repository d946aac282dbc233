// All threads of all nodes: what an OpenMP program's threads are, across machines.
#ifndef FARPAGE_BENCH_APPS_FRAME_TEAM_H_
#define FARPAGE_BENCH_APPS_FRAME_TEAM_H_

#include <farpage/farpage.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/apps/frame/range.h"

namespace farpage::apps {

class Worker;

// This node's threads of the team. Errors (a node has died, or was silent for too long) end the
// process, as an MPI program's do unless it asks for something else: see Die().
class Team {
 public:
  // Collective, with the same number of threads everywhere.
  static absl::StatusOr<std::unique_ptr<Team>> Create(Node& node, uint32_t threads);

  // Collective. Runs `work` on all threads of all nodes and returns when this node's have ended.
  // The calling thread is one of them.
  void Run(const std::function<void(Worker&)>& work);

  static constexpr size_t kMostTerms = 8;  // of one reduction

 private:
  friend class Worker;

  using Terms = std::array<uint64_t, kMostTerms>;  // bits of what is reduced
  using Combine = void (*)(Terms& into, const Terms& from);
  struct alignas(64) Offer {  // of one thread, when it meets the others
    Combine combine = nullptr;
    size_t count = 0;
    Terms terms{};
    Terms before{};  // set when they have met: what all before this thread offered, combined
  };
  struct Completion {
    Team* team;
    void operator()() noexcept { team->MeetNodes(); }
  };

  Team(Node& node, uint32_t threads, AtomicArray<uint64_t> terms);

  // By one thread, when all of this node have arrived.
  void MeetNodes() noexcept;
  void ReduceOverNodes(const Offer& offer);
  void NoteBefore(Terms before);

  Node* node_;
  AtomicArray<uint64_t> exchanged_;
  uint64_t reductions_ = 0;
  std::vector<Offer> offers_;  // of each thread
  Terms reduced_{};
  std::barrier<Completion> all_;
  std::barrier<> own_;  // this node's threads alone
};

// One thread of the team.
class Worker {
 public:
  Node& node() const { return *team_->node_; }
  uint32_t nodes() const { return node().size(); }
  uint32_t thread() const { return thread_; }  // 0 … threads() − 1, of this node
  uint32_t threads() const { return static_cast<uint32_t>(team_->offers_.size()); }
  uint32_t index() const { return node().id() * threads() + thread_; }  // of all
  uint32_t count() const { return nodes() * threads(); }

  // Waits for all threads of all nodes. What any of them wrote before is seen by all after it.
  void Barrier() { Meet({}); }
  // Waits for the threads of this node.
  void NodeBarrier() { team_->own_.arrive_and_wait(); }

  // Sum or maximum over all threads of all nodes; a barrier, too. T is a double or an integer of 64
  // bits. Everybody gets the very same bits, for terms are added in the order of nodes.
  template <typename T>
  T Sum(T own) {
    return Sum(std::array<T, 1>{own})[0];
  }
  template <typename T>
  T Max(T own) {
    return Reduce(std::array<T, 1>{own}, [](T a, T b) { return std::max(a, b); })[0];
  }
  template <typename T, size_t N>
  std::array<T, N> Sum(const std::array<T, N>& own) {
    return Reduce(own, [](T a, T b) { return a + b; });
  }

  // Sum over all threads whose index() is less than this one's; a barrier, too.
  template <typename T>
  T SumBefore(T own) {
    Sum(own);
    return std::bit_cast<T>(team_->offers_[thread_].before[0]);
  }

  // The items, of `item_bytes` each, that are this thread's in an array placed in blocks. A node's
  // threads have equal parts of what is its own, in whole pages where that gives every node some:
  // see BlockOf().
  Range Block(size_t items, size_t item_bytes) const {
    return BlockOfWorker(index(), items, item_bytes);
  }
  // The same of the thread with that index().
  Range BlockOfWorker(size_t index, size_t items, size_t item_bytes) const;

  // Time in Barrier(), Sum() and Max() so far.
  double waited_seconds() const { return waited_seconds_; }

 private:
  friend class Team;

  Worker(Team& team, uint32_t thread) : team_(&team), thread_(thread) {}

  void Meet(const Team::Offer& offer);

  template <typename T, size_t N, typename Operation>
  std::array<T, N> Reduce(const std::array<T, N>& own, Operation) {
    static_assert(sizeof(T) == 8 && std::is_arithmetic_v<T> && N <= Team::kMostTerms);
    Team::Offer offer;
    offer.count = N;
    for (size_t term = 0; term < N; ++term) offer.terms[term] = std::bit_cast<uint64_t>(own[term]);
    offer.combine = [](Team::Terms& into, const Team::Terms& from) {
      for (size_t term = 0; term < N; ++term) {
        into[term] = std::bit_cast<uint64_t>(
            Operation()(std::bit_cast<T>(into[term]), std::bit_cast<T>(from[term])));
      }
    };
    Meet(offer);
    std::array<T, N> all;
    for (size_t term = 0; term < N; ++term) all[term] = std::bit_cast<T>(team_->reduced_[term]);
    return all;
  }

  Team* team_;
  uint32_t thread_;
  double waited_seconds_ = 0;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_TEAM_H_
