#include "bench/apps/problems/gups.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace farpage::apps {

void GupsProblem::AddOptions(CLI::App& app) {
  app.add_option("--words-log2", words_log2_, "logarithm of the number of words in the table")
      ->check(CLI::Range(9u, 34u))
      ->capture_default_str();
}

std::vector<Figure> GupsProblem::Figures(double seconds) const {
  return {{"words", static_cast<double>(words())},
          {"updates", static_cast<double>(updates())},
          {"updates_per_second", static_cast<double>(updates()) / seconds}};
}

void GupsProblem::PreparePlain() {
  plain_.resize(words());
  std::iota(plain_.begin(), plain_.end(), uint64_t{0});
}

void GupsProblem::ComputePlain() { UpdateAll(plain_); }

absl::Status GupsProblem::Verify() {
  if (result.size() != plain_.size()) return absl::DataLossError("the table has another size");
  const uint64_t errors = CountErrors(result, plain_);
  if (errors == 0) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("%d of %d words are wrong, %.3f %%", errors, words(),
                      100 * static_cast<double>(errors) / static_cast<double>(words())));
}

WordOwners::WordOwners(const std::vector<Range>& ranges) {
  for (uint32_t owner = 0; owner < ranges.size(); ++owner) {
    owners_.resize((ranges[owner].end + kWordsPerPage - 1) / kWordsPerPage, owner);
  }
}

void FillBins(UpdateStream& stream, size_t count, uint64_t mask, const WordOwners& owners,
              std::span<UpdateBin> bins) {
  for (UpdateBin& bin : bins) bin.count = 0;
  for (size_t drawn = 0; drawn < count; ++drawn) {
    const uint64_t update = stream.Next();
    UpdateBin& bin = bins[owners.Of(update & mask)];
    bin.updates[bin.count++] = update;
  }
}

}  // namespace farpage::apps
