// A key-value store under YCSB's workloads as a problem: see hash_table.h and ycsb.h.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_KV_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_KV_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"
#include "bench/apps/problems/hash_table.h"
#include "bench/apps/problems/ycsb.h"

namespace farpage::apps {

// What clients saw. Sums of several are right.
struct ServiceResult {
  std::array<Latencies, kOperations> latencies{};
  uint64_t wrong = 0;  // answers that were no record, or no whole one

  ServiceResult& operator+=(const ServiceResult& other);
};

class KvProblem : public Problem {
 public:
  std::string name() const override { return "kv"; }
  std::string description() const override {
    return "A hash-table key-value store under YCSB's workloads A, B and C.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // Prints YCSB's lines. Every answer was whole; every record was updated as often as it was asked
  // for, and so as often as in the sequential program.
  absl::Status Verify() override;

  size_t records() const { return records_; }
  size_t buckets() const { return HashTable::BucketsFor(records_); }
  // Clients are threads of YCSB. There are as many however many workers serve them, so that the
  // requests are the same; a worker serves one after the other.
  uint32_t clients() const { return clients_; }

  // Before anything else, by one thread: computes what all clients draw from.
  void PrepareRequests();

  // Adds those records whose buckets are in the range. Their places are zero.
  absl::Status Load(HashTable table, Range buckets) const;

  // Does what a client asks for. `lock(bucket)` and `unlock(bucket)` are called around what is done
  // to the records of a bucket.
  template <typename Lock, typename Unlock>
  void Serve(const HashTable& table, uint32_t client, Lock lock, Unlock unlock,
             ServiceResult& answers) const;

  // A version's, of its last repetition.
  std::vector<Record> result;  // the table's places
  ServiceResult service;
  double run_seconds = 0;

 private:
  Requests RequestsOf(uint32_t client) const;
  uint64_t OperationsOf(uint32_t client) const {
    return BlockOf(operations_, clients_, client).size();
  }
  size_t records_ = 10'000;
  uint64_t operations_ = 200'000;
  uint32_t clients_ = 8;
  Mix mix_ = Mix::kA;
  std::optional<ZipfianRanks> ranks_;
  std::vector<Record> plain_;
  ServiceResult plain_service_;
};

template <typename Lock, typename Unlock>
void KvProblem::Serve(const HashTable& table, uint32_t client, Lock lock, Unlock unlock,
                      ServiceResult& answers) const {
  Requests requests = RequestsOf(client);
  Record copy;
  for (uint64_t left = OperationsOf(client); left > 0; --left) {
    const Request request = requests.Next();
    const uint64_t key = KeyOf(request.record);
    const auto start = std::chrono::steady_clock::now();
    const size_t bucket = table.BucketOf(key);
    lock(bucket);
    Record* const record = table.Find(key);
    if (record == nullptr) {
      ++answers.wrong;
    } else if (request.operation == Operation::kUpdate) {
      // All fields, as YCSB with writeallfields=true.
      FillRecord(*record, key, record->version + 1);
    } else {
      copy = *record;
    }
    unlock(bucket);
    const auto took = std::chrono::steady_clock::now() - start;
    answers.latencies[static_cast<size_t>(request.operation)].Add(
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
    if (request.operation == Operation::kRead && record != nullptr &&
        !(copy.key == key && IsWhole(copy))) {
      ++answers.wrong;
    }
  }
}

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_KV_H_
