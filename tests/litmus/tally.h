// How often each outcome was seen.
#ifndef FARPAGE_TESTS_LITMUS_TALLY_H_
#define FARPAGE_TESTS_LITMUS_TALLY_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "farpage/node.h"
#include "tests/litmus/shape.h"

namespace farpage::litmus {

// What a consistency promises.
Model Promise(Consistency consistency);
const char* Name(Consistency consistency);

using Counts = std::map<Values, uint64_t>;

// The counts of one back end.
class Tally {
 public:
  explicit Tally(std::string back_end) : back_end_(std::move(back_end)) {}

  const std::string& back_end() const { return back_end_; }
  void Add(const Shape& shape, Consistency consistency, const Values& outcome, uint64_t times = 1);
  const Counts& Of(const Shape& shape, Consistency consistency) const;
  uint64_t Runs(const Shape& shape, Consistency consistency) const;
  uint64_t Seen(const Shape& shape, Consistency consistency, const Values& outcome) const;
  // Of both consistencies together.
  uint64_t Seen(const Shape& shape, const Values& outcome) const;

  // Outcomes that the consistency's model forbids, in words, each with its count.
  std::vector<std::string> Violations() const;
  // Outcomes that the strictest model allows and that were never seen, in words.
  std::vector<std::string> NeverSeen(const Shape& shape) const;
  std::vector<std::string> NeverSeen() const;  // of all shapes

  // A line per test for people.
  std::string Summary() const;
  std::string ToJson() const;
  // Stops the process if the text is not what ToJson() makes.
  static Tally FromJson(const std::string& text);

 private:
  std::string back_end_;
  std::map<std::pair<std::string, Consistency>, Counts> counts_;
};

std::string ToText(const Values& values);

// The documentation's tables: which model allows what, and what each back end was seen to do.
std::string MarkdownTables(const std::vector<Tally>& tallies);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_TALLY_H_
