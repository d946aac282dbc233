#include "tests/litmus/sync_tally.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::litmus {

void SyncTally::Add(uint32_t cell, uint64_t new_values, uint64_t old_values) {
  counts_[cell].new_values += new_values;
  counts_[cell].old_values += old_values;
}

SyncTally::Counts SyncTally::OfShape(uint32_t shape) const {
  Counts sum;
  for (uint32_t cell = 0; cell < kSyncCells; ++cell) {
    if (SyncCellOf(cell).shape != shape) continue;
    sum.new_values += counts_[cell].new_values;
    sum.old_values += counts_[cell].old_values;
  }
  return sum;
}

std::vector<std::string> SyncTally::Violations() const {
  std::vector<std::string> found;
  for (uint32_t number = 0; number < kSyncCells; ++number) {
    const SyncCell cell = SyncCellOf(number);
    const Counts& counts = counts_[number];
    if (counts.old_values == 0 || cell.shape_data().MayMissAt(cell.home)) continue;
    found.push_back(absl::StrFormat("%s (%s): %d of %d loads missed what was stored",
                                    cell.Describe(), cell.shape_data().text, counts.old_values,
                                    counts.old_values + counts.new_values));
  }
  return found;
}

std::vector<std::string> SyncTally::NeverSeen() const {
  std::vector<std::string> missing;
  for (uint32_t shape = 0; shape < kSyncShapes; ++shape) {
    const Counts counts = OfShape(shape);
    const char* name = SyncShapes()[shape].name;
    if (counts.new_values == 0) missing.push_back(absl::StrCat(name, ": what was stored"));
    if (SyncShapes()[shape].may_miss && counts.old_values == 0) {
      missing.push_back(absl::StrCat(name, ": what was there before"));
    }
  }
  return missing;
}

std::string SyncTally::Summary() const {
  std::string text = absl::StrFormat("%s\n%-4s %-60s %-9s %8s %8s\n", back_end_, "test", "",
                                     "release", "new", "old");
  for (uint32_t shape = 0; shape < kSyncShapes; ++shape) {
    const SyncShape& about = SyncShapes()[shape];
    const Counts counts = OfShape(shape);
    absl::StrAppendFormat(&text, "%-4s %-60s %-9s %8d %8d\n", about.name, about.text,
                          about.may_miss ? "may miss" : "must", counts.new_values,
                          counts.old_values);
  }
  return text;
}

std::string SyncTally::ToJson() const {
  nlohmann::json cells = nlohmann::json::array();
  for (uint32_t number = 0; number < kSyncCells; ++number) {
    const SyncCell cell = SyncCellOf(number);
    if (!IsDistinct(cell)) continue;
    cells.push_back({{"test", cell.shape_data().name},
                     {"home", cell.home},
                     {"history", static_cast<uint32_t>(cell.history)},
                     {"new", counts_[number].new_values},
                     {"old", counts_[number].old_values}});
  }
  return nlohmann::json{{"back end", back_end_}, {"cells", std::move(cells)}}.dump(1) + "\n";
}

SyncTally SyncTally::FromJson(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("back end") || !json.contains("cells")) {
    std::fprintf(stderr, "this is no tally of tests of synchronisation\n");
    std::exit(1);
  }
  SyncTally tally(json["back end"]);
  for (const nlohmann::json& entry : json["cells"]) {
    for (uint32_t number = 0; number < kSyncCells; ++number) {
      const SyncCell cell = SyncCellOf(number);
      if (entry["test"] == cell.shape_data().name && entry["home"] == cell.home &&
          entry["history"] == static_cast<uint32_t>(cell.history)) {
        tally.Add(number, entry["new"], entry["old"]);
      }
    }
  }
  return tally;
}

std::string MarkdownTable(const std::vector<SyncTally>& tallies) {
  std::string text = "| test | | release |";
  std::string rule = "|---|---|---|";
  for (const SyncTally& tally : tallies) {
    absl::StrAppend(&text, " ", tally.back_end(), " |");
    rule += "---|";
  }
  absl::StrAppend(&text, "\n", rule, "\n");
  for (uint32_t shape = 0; shape < kSyncShapes; ++shape) {
    const SyncShape& about = SyncShapes()[shape];
    absl::StrAppend(&text, "| ", about.name, " | ", about.text, " | ",
                    about.may_miss ? "may miss" : "must", " |");
    for (const SyncTally& tally : tallies) {
      const SyncTally::Counts counts = tally.OfShape(shape);
      absl::StrAppend(&text, " ", counts.old_values, " of ", counts.old_values + counts.new_values,
                      " |");
    }
    text += "\n";
  }
  return text;
}

}  // namespace farpage::litmus
