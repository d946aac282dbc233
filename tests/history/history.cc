#include "tests/history/history.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::history {

History::History(const std::vector<std::vector<Operation>>& threads) {
  size_t total = 0;
  for (const auto& thread : threads) total += thread.size();
  operations_.reserve(total);
  epoch_ns_ = kNever;
  for (const auto& thread : threads) {
    operations_.insert(operations_.end(), thread.begin(), thread.end());
    begin_.push_back(static_cast<uint32_t>(operations_.size()));
  }
  for (const Operation& operation : operations_) {
    locations_ = std::max(locations_, operation.location + 1);
    epoch_ns_ = std::min(epoch_ns_, operation.invoked_ns);
  }
}

uint32_t History::ThreadOf(uint32_t number) const {
  const auto after = std::upper_bound(begin_.begin(), begin_.end(), number);
  return static_cast<uint32_t>(after - begin_.begin()) - 1;
}

std::string History::Name(uint32_t number) const {
  const Operation& operation = operations_[number];
  const uint32_t thread = ThreadOf(number);
  std::string text = absl::StrFormat("thread %u #%u: x%u = %u is ", thread, number - begin_[thread],
                                     operation.location, operation.value);
  switch (operation.kind) {
    case Kind::kRead:
      text += "read";
      break;
    case Kind::kWrite:
      text += "written";
      break;
    case Kind::kExchange:
      absl::StrAppend(&text, "exchanged for ", operation.replaced);
      break;
  }
  absl::StrAppendFormat(&text, " in [%d, ", operation.invoked_ns - epoch_ns_);
  if (operation.responded_ns == kNever) return text + "…)";
  return absl::StrCat(text, operation.responded_ns - epoch_ns_, "]");
}

absl::Status History::CheckWellFormed() const {
  for (uint32_t thread = 0; thread < threads(); ++thread) {
    for (uint32_t number = begin_[thread]; number < begin_[thread + 1]; ++number) {
      const Operation& operation = operations_[number];
      if (operation.responded_ns < operation.invoked_ns) {
        return absl::InvalidArgumentError(absl::StrCat("responds first: ", Name(number)));
      }
      if (operation.writes() && operation.value == kInitialValue) {
        return absl::InvalidArgumentError(absl::StrCat("writes what was there: ", Name(number)));
      }
      if (number > begin_[thread] && !operations_[number - 1].Precedes(operation)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "one thread's operations overlap: ", Name(number - 1), "; ", Name(number)));
      }
    }
  }
  const WriteIndex index(*this);
  for (uint32_t location = 0; location < locations_; ++location) {
    const std::span<const uint32_t> writes = index.WritesTo(location);
    const auto twice = std::adjacent_find(
        writes.begin(), writes.end(),
        [this](uint32_t a, uint32_t b) { return operations_[a].value == operations_[b].value; });
    if (twice != writes.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("a value is written twice: ", Name(twice[0]), "; ", Name(twice[1])));
    }
  }
  return absl::OkStatus();
}

WriteIndex::WriteIndex(const History& history) : history_(history) {
  begin_.assign(history.locations() + 1, 0);
  for (uint32_t number = 0; number < history.size(); ++number) {
    if (!history[number].writes()) continue;
    writes_.push_back(number);
    ++begin_[history[number].location + 1];
  }
  for (size_t location = 1; location < begin_.size(); ++location) {
    begin_[location] += begin_[location - 1];
  }
  std::sort(writes_.begin(), writes_.end(), [&](uint32_t a, uint32_t b) {
    const Operation& first = history[a];
    const Operation& second = history[b];
    return first.location != second.location ? first.location < second.location
                                             : first.value < second.value;
  });
}

std::span<const uint32_t> WriteIndex::WritesTo(uint32_t location) const {
  return std::span(writes_).subspan(begin_[location], begin_[location + 1] - begin_[location]);
}

uint32_t WriteIndex::PlaceOf(uint32_t location, uint64_t value) const {
  const std::span<const uint32_t> writes = WritesTo(location);
  const auto found =
      std::lower_bound(writes.begin(), writes.end(), value,
                       [this](uint32_t a, uint64_t b) { return history_[a].value < b; });
  if (found == writes.end() || history_[*found].value != value) return kNobody;
  return static_cast<uint32_t>(found - writes.begin());
}

uint32_t WriteIndex::Find(uint32_t location, uint64_t value) const {
  const uint32_t place = PlaceOf(location, value);
  return place == kNobody ? kNobody : WritesTo(location)[place];
}

}  // namespace farpage::history
