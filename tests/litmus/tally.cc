#include "tests/litmus/tally.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace farpage::litmus {
namespace {

constexpr std::array<Consistency, 2> kConsistencies = {Consistency::kStrict,
                                                       Consistency::kSequential};

// What the strictest model allows: every interleaving that an implementation can show.
std::vector<Values> Interleavings(const Shape& shape) {
  std::vector<Values> allowed;
  for (Values& outcome : AllOutcomes(shape.program)) {
    if (Allows(Model::kLinearizable, shape.program, outcome)) allowed.push_back(std::move(outcome));
  }
  return allowed;
}

}  // namespace

Model Promise(Consistency consistency) {
  return consistency == Consistency::kStrict ? Model::kLinearizable : Model::kSequential;
}

const char* Name(Consistency consistency) {
  return consistency == Consistency::kStrict ? "strict" : "sequential";
}

std::string ToText(const Values& values) { return absl::StrJoin(values, ","); }

void Tally::Add(const Shape& shape, Consistency consistency, const Values& outcome,
                uint64_t times) {
  counts_[{shape.name, consistency}][outcome] += times;
}

const Counts& Tally::Of(const Shape& shape, Consistency consistency) const {
  static const Counts& none = *new Counts;
  const auto found = counts_.find({shape.name, consistency});
  return found != counts_.end() ? found->second : none;
}

uint64_t Tally::Runs(const Shape& shape, Consistency consistency) const {
  uint64_t runs = 0;
  for (const auto& [outcome, times] : Of(shape, consistency)) runs += times;
  return runs;
}

uint64_t Tally::Seen(const Shape& shape, Consistency consistency, const Values& outcome) const {
  const Counts& counts = Of(shape, consistency);
  const auto found = counts.find(outcome);
  return found != counts.end() ? found->second : 0;
}

uint64_t Tally::Seen(const Shape& shape, const Values& outcome) const {
  return Seen(shape, Consistency::kStrict, outcome) +
         Seen(shape, Consistency::kSequential, outcome);
}

std::vector<std::string> Tally::Violations() const {
  std::vector<std::string> found;
  for (const Shape& shape : Shapes()) {
    for (const Consistency consistency : kConsistencies) {
      for (const auto& [outcome, times] : Of(shape, consistency)) {
        if (Allows(Promise(consistency), shape.program, outcome)) continue;
        found.push_back(absl::StrFormat("%s (%s): reads returned %s, %d times; %s memory: %s",
                                        shape.name, shape.text, ToText(outcome), times,
                                        litmus::Name(consistency), "forbidden"));
      }
    }
  }
  return found;
}

std::vector<std::string> Tally::NeverSeen(const Shape& shape) const {
  std::vector<std::string> missing;
  for (const Values& outcome : Interleavings(shape)) {
    if (Seen(shape, outcome) == 0) {
      missing.push_back(absl::StrCat(shape.name, ": ", ToText(outcome)));
    }
  }
  return missing;
}

std::vector<std::string> Tally::NeverSeen() const {
  std::vector<std::string> missing;
  for (const Shape& shape : Shapes()) {
    for (std::string& outcome : NeverSeen(shape)) missing.push_back(std::move(outcome));
  }
  return missing;
}

std::string Tally::Summary() const {
  std::string text = absl::StrFormat("%s\n%-17s %9s  %-28s %s\n", back_end_, "test", "runs",
                                     "interleavings seen", "the outcome in question");
  for (const Shape& shape : Shapes()) {
    const std::vector<Values> allowed = Interleavings(shape);
    size_t seen = 0;
    for (const Values& outcome : allowed) seen += Seen(shape, outcome) > 0;
    const uint64_t runs = Runs(shape, Consistency::kStrict) + Runs(shape, Consistency::kSequential);
    absl::StrAppendFormat(&text, "%-17s %9d  %3d of %3d possible          %s: %d\n", shape.name,
                          runs, seen, allowed.size(), ToText(shape.outcome),
                          Seen(shape, shape.outcome));
  }
  return text;
}

std::string Tally::ToJson() const {
  nlohmann::json tests = nlohmann::json::array();
  for (const auto& [key, counts] : counts_) {
    nlohmann::json outcomes = nlohmann::json::array();
    for (const auto& [outcome, times] : counts) {
      outcomes.push_back({{"reads", outcome}, {"times", times}});
    }
    tests.push_back({{"test", key.first},
                     {"strict", key.second == Consistency::kStrict},
                     {"outcomes", std::move(outcomes)}});
  }
  return nlohmann::json{{"back end", back_end_}, {"tests", std::move(tests)}}.dump(1) + "\n";
}

Tally Tally::FromJson(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("back end") || !json.contains("tests")) {
    std::fprintf(stderr, "this is no tally of litmus tests\n");
    std::exit(1);
  }
  Tally tally(json["back end"]);
  for (const nlohmann::json& test : json["tests"]) {
    const Shape* shape = FindShape(test["test"]);
    if (shape == nullptr) continue;  // of another version
    for (const nlohmann::json& outcome : test["outcomes"]) {
      tally.Add(*shape, test["strict"] ? Consistency::kStrict : Consistency::kSequential,
                outcome["reads"].get<Values>(), outcome["times"]);
    }
  }
  return tally;
}

std::string MarkdownTables(const std::vector<Tally>& tallies) {
  std::string text = "| test | outcome | Lin | SC | C+c | C | PRAM |";
  std::string rule = "|---|---|---|---|---|---|---|";
  for (const Tally& tally : tallies) {
    for (const Consistency consistency : kConsistencies) {
      absl::StrAppend(&text, " ", tally.back_end(), ", ", Name(consistency), " |");
      rule += "---|";
    }
  }
  absl::StrAppend(&text, "\n", rule, "\n");
  for (const Shape& shape : Shapes()) {
    absl::StrAppend(&text, "| ", shape.name, " | ", shape.text, " |");
    for (const char* verdict = shape.verdicts; *verdict != '\0'; ++verdict) {
      absl::StrAppend(&text, " ", std::string(1, *verdict), " |");
    }
    for (const Tally& tally : tallies) {
      for (const Consistency consistency : kConsistencies) {
        absl::StrAppend(&text, " ", tally.Seen(shape, consistency, shape.outcome), " of ",
                        tally.Runs(shape, consistency), " |");
      }
    }
    text += "\n";
  }

  absl::StrAppend(&text, "\n| test | reads returned |");
  for (const Tally& tally : tallies) absl::StrAppend(&text, " ", tally.back_end(), " |");
  absl::StrAppend(&text, "\n|---|---|");
  for (size_t column = 0; column < tallies.size(); ++column) text += "---|";
  text += "\n";
  for (const Shape& shape : Shapes()) {
    std::set<Values> rows;
    for (Values& outcome : Interleavings(shape)) rows.insert(std::move(outcome));
    for (const Tally& tally : tallies) {
      for (const Consistency consistency : kConsistencies) {
        for (const auto& [outcome, times] : tally.Of(shape, consistency)) rows.insert(outcome);
      }
    }
    for (const Values& outcome : rows) {
      absl::StrAppend(&text, "| ", shape.name, " | ", ToText(outcome), " |");
      for (const Tally& tally : tallies) {
        absl::StrAppend(&text, " ", tally.Seen(shape, outcome), " |");
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace farpage::litmus
