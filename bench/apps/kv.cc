// A key-value store that all nodes serve, under the workloads of YCSB.
//
//   farpage run -n 2 -- kv --workload b
//   farpage run -n 4 -- kv --workload a --records 100000 --operations 1000000 --threads 2
//
// There is no server: a client finds its record in shared memory, wherever it is. Each bucket of
// the hash table, 64 places of 1 KiB, has a lock.
//
// Placement: blocks. Requests come from everywhere for everything, so any other would do.
//
// Synchronisation: a Mutex a bucket, for reads too. A SharedMutex would let readers in together,
// but for a record of 1 KiB that is not worth its price: it costs each reader two Mutex operations
// of its own, and readers are in for less than that takes. (An AtomicArray of words to lock with
// would be cheaper still, but it orders nothing: what was written under such a lock need not be
// seen.)
//
// Consistency: release. A bucket's copy stays on a node as long as no lock taken here tells of an
// update: reads of what is not updated are hits. An update sends home what it changed and nothing
// else; with sequential consistency it would wait until all who have a copy have dropped it.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/kv.h"

namespace farpage::apps {
namespace {

class SharedKv : public SharedProgram {
 public:
  explicit SharedKv(KvProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    problem_->PrepareRequests();
    const size_t buckets = problem_->buckets();
    const auto places = node.Allocate<Record>("places", buckets * HashTable::kRecordsPerBucket,
                                              {.consistency = consistency});
    if (!places.ok()) return places.status();
    places_ = *places;
    const auto results = node.Allocate<ServiceResult>("results", size_t{node.size()} * threads());
    if (!results.ok()) return results.status();
    results_ = *results;
    for (size_t bucket = 0; bucket < buckets; ++bucket) {
      absl::StatusOr<Mutex> lock = node.MakeMutex(absl::StrCat("bucket ", bucket));
      if (!lock.ok()) return lock.status();
      locks_.push_back(*std::move(lock));
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    constexpr size_t kBucketBytes = HashTable::kRecordsPerBucket * sizeof(Record);
    const Range own = worker.Block(problem_->buckets(), kBucketBytes);
    std::ranges::fill(places_.subspan(own.begin * HashTable::kRecordsPerBucket,
                                      own.size() * HashTable::kRecordsPerBucket),
                      Record{});
    if (absl::Status loaded = problem_->Load(HashTable(places_), own); !loaded.ok()) {
      Die(worker.node(), "load", loaded);
    }
  }

  void Compute(Worker& worker) override {
    const Stopwatch watch;
    const auto lock = [&](size_t bucket) {
      if (absl::Status locked = locks_[bucket].Lock(); !locked.ok()) {
        Die(worker.node(), "lock", locked);
      }
    };
    const auto unlock = [&](size_t bucket) {
      if (absl::Status unlocked = locks_[bucket].Unlock(); !unlocked.ok()) {
        Die(worker.node(), "unlock", unlocked);
      }
    };
    const HashTable table(places_);
    const Range clients = BlockOf(problem_->clients(), worker.count(), worker.index());
    ServiceResult result;
    for (size_t client = clients.begin; client < clients.end; ++client) {
      problem_->Serve(table, static_cast<uint32_t>(client), lock, unlock, result);
    }
    results_[worker.index()] = result;
    worker.Barrier();
    if (worker.index() == 0) problem_->run_seconds = watch.seconds();
  }

  void Collect() override {
    problem_->result.assign(places_.begin(), places_.end());
    for (const ServiceResult& result : results_) problem_->service += result;
  }

 private:
  KvProblem* problem_;
  std::span<Record> places_;
  std::span<ServiceResult> results_;  // of each worker
  std::vector<Mutex> locks_;          // of each bucket
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::KvProblem problem;
  farpage::apps::SharedKv program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}
