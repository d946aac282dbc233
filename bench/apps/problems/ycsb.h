// The workloads of the Yahoo! Cloud Serving Benchmark (Cooper et al., SoCC 2010): what is asked of
// a key-value store, and how its answers' times are told.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_YCSB_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_YCSB_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/apps/problems/counter_random.h"

namespace farpage::apps {

// The core workloads with reads and updates: half are updates in A, one in twenty in B, none in C.
enum class Mix : uint8_t { kA, kB, kC };
double UpdateFraction(Mix mix);

// Which of `count` records is asked for: the k-th most popular with a probability proportional to
// k⁻⁰·⁹⁹, after Gray et al. (Quickly Generating Billion-Record Synthetic Databases, SIGMOD 1994),
// as YCSB does it. Making one is linear in `count`.
class ZipfianRanks {
 public:
  explicit ZipfianRanks(uint64_t count);  // at least 1

  // Draws a rank: 0 is the most popular.
  uint64_t Draw(CounterRandom& random) const;

 private:
  uint64_t count_;
  double zeta_;  // Σ k⁻⁰·⁹⁹
  double alpha_;
  double eta_;
};

enum class Operation : uint8_t { kRead, kUpdate };
inline constexpr size_t kOperations = 2;

struct Request {
  Operation operation;
  uint64_t record;  // 0 … count − 1
};

// What one client asks for, one request after the other.
class Requests {
 public:
  Requests(const ZipfianRanks& ranks, uint64_t records, Mix mix, uint64_t seed, uint64_t client);
  Request Next();

 private:
  const ZipfianRanks& ranks_;
  uint64_t records_;
  uint64_t update_below_;  // of 2⁶⁴
  CounterRandom random_;
};

// Counts of latencies, in classes that are at most 1/16 of a latency wide. Trivially copyable, so
// that it can be kept in shared memory; sums of several are right.
struct Latencies {
  static constexpr size_t kClasses = 1024;
  std::array<uint64_t, kClasses> counts{};
  uint64_t count = 0;
  uint64_t sum_ns = 0;
  uint64_t least_ns = ~uint64_t{0};
  uint64_t most_ns = 0;

  void Add(uint64_t ns);
  Latencies& operator+=(const Latencies& other);
  // The least upper bound of a class that so much of all are not above: 0.95, 0.99.
  uint64_t PercentileNs(double fraction) const;
};

// The lines YCSB prints of a run.
std::string YcsbLines(double seconds, const std::array<Latencies, kOperations>& latencies);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_YCSB_H_
