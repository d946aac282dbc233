// scale_bench [--check] [--most-nodes N]: what growth costs, in virtual time.
// scale_bench --validate FILE…: the model beside a session of `farpage perf`, docs/scale.md's
// table.
//
// Prints Google Benchmark's JSON. --check instead compares messages, chains and rounds with what
// the protocol promises. Exit status 1 if they differ or files lack something, 2 for wrong usage.
#include <bit>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bench/scale/cases.h"
#include "bench/scale/soft_roce.h"
#include "bench/scale/validate.h"

namespace farpage::bench::scale {
namespace {

using Json = nlohmann::ordered_json;

using Expectation = std::pair<const char*, double>;

// Names every one that is not met.
bool Expect(const Result& result, const std::vector<Expectation>& expectations) {
  bool all_met = true;
  for (const auto& [what, expected] : expectations) {
    if (result.count(what) == expected) continue;
    std::cerr << result.name << ", " << result.nodes << " nodes, " << result.sharers
              << " sharers: " << what << " is " << result.count(what) << ", not " << expected
              << "\n";
    all_met = false;
  }
  return all_met;
}

bool AsPromised(const Result& result) {
  if (result.name == "read_miss" || result.name == "write_miss") {
    return Expect(result, {{"messages", 0}, {"miss_chains", 1}, {"chains", 1}});
  }
  // Each INVALIDATE has its ACK, and there is no other message. The chains are the writer's and, of
  // each sharer, the atomic that takes its own bit out of the directory.
  if (result.name == "upgrade") {
    return Expect(result, {{"invalidations", result.sharers},
                           {"invalidations_received", result.sharers},
                           {"messages", 2.0 * result.sharers},
                           {"messages_received", 2.0 * result.sharers},
                           {"chains", 1.0 + result.sharers},
                           {"fabric_atomics", 1.0 + result.sharers}});
  }
  if (result.name == "lock_free") {
    return Expect(result, {{"messages", 0}, {"fabric_atomics", 2}});
  }
  // The first takes one atomic, every other finds its place with two, the last gives the lock up.
  if (result.name == "lock_hand_over") {
    return Expect(result, {{"messages", 0}, {"fabric_atomics", 2.0 * result.nodes}});
  }
  if (result.name == "barrier") {
    return Expect(result, {{"messages", 0}, {"rounds", std::bit_width(result.nodes - 1)}});
  }
  if (result.name == "directory") {
    const uint32_t bit_words = (result.nodes + 63) / 64;
    return Expect(result, {{"bytes_per_page", 8.0 * (1 + bit_words)}});
  }
  return true;
}

Json ToJson(const Machine& machine, const Result& result) {
  const std::string name =
      absl::StrCat(machine.name, "/", result.name, "/nodes:", result.nodes,
                   result.name == "upgrade" ? absl::StrCat("/sharers:", result.sharers) : "");
  Json one = {{"name", name},
              {"run_name", name},
              {"run_type", "iteration"},
              {"repetitions", 1},
              {"repetition_index", 0},
              {"threads", 1},
              {"iterations", 1},
              {"real_time", result.virtual_ns},
              {"cpu_time", 0},
              {"time_unit", "ns"},
              {"machine", machine.name},
              {"operation", result.name},
              {"nodes", result.nodes},
              {"sharers", result.sharers}};
  for (const auto& [what, value] : result.counts) one[what] = value;
  return one;
}

int Compare(const std::vector<std::string>& files) {
  const absl::Status status = Validate(files, std::cout);
  if (status.ok()) return 0;
  std::cerr << "scale_bench: " << std::string(status.message()) << "\n";
  return 1;
}

int Main(int count, char** words) {
  bool check = false;
  uint32_t most = 1024;
  if (count > 2 && std::string_view(words[1]) == "--validate") {
    return Compare({words + 2, words + count});
  }
  for (int index = 1; index < count; ++index) {
    const std::string_view word = words[index];
    if (word == "--check") {
      check = true;
    } else if (word != "--most-nodes" || ++index == count ||
               !absl::SimpleAtoi(words[index], &most) || most < 2 || most > 1024) {
      std::cerr << "usage: scale_bench [--check] [--most-nodes 2…1024]\n"
                   "       scale_bench --validate FILE…\n";
      return 2;
    }
  }
  bool good = true;
  Json rows = Json::array();
  // Each node has a guest of its own: a thousand on two processors would say nothing.
  for (const Machine& machine : {NicMachine(), SoftRoceMachine(kSessionOfDocs, 0)}) {
    for (uint32_t nodes = 2; nodes <= most; nodes *= 2) {
      for (const Result& result : Measure(machine, nodes)) {
        good &= !check || AsPromised(result);
        rows.push_back(ToJson(machine, result));
      }
      std::cerr << machine.name << ", " << nodes << " nodes: done\n";
    }
  }
  if (!check) {
    std::cout << Json{{"context", {{"executable", "scale_bench"}, {"time", "virtual"}}},
                      {"benchmarks", rows}}
                     .dump(2)
              << "\n";
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace farpage::bench::scale

int main(int count, char** words) { return farpage::bench::scale::Main(count, words); }
