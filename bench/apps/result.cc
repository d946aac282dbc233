#include "bench/apps/result.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/apps/frame/range.h"

namespace farpage::apps {

namespace {

constexpr double kAgree = 1e-12;  // ranks add up to 1

// Calls visit(name, member) for each number of `result`, so that writing and reading cannot differ.
template <typename R, typename Visit>
void ForEachNumber(R& result, Visit visit) {
  visit("nodes", result.nodes);
  visit("packages", result.packages);
  visit("dependencies", result.dependencies);
  visit("missing", result.missing);
  visit("tolerance", result.tolerance);
  visit("iterations", result.iterations);
  visit("load_seconds", result.load_seconds);
  visit("seconds", result.seconds);
  visit("plain_seconds", result.plain_seconds);
  visit("plain_iterations", result.plain_iterations);
  visit("rank_difference", result.rank_difference);
  visit("change_difference", result.change_difference);
}

}  // namespace

bool Result::agrees() const {
  // A change is a sum of as many terms as there are packages, and each addition rounds.
  const double rounding =
      2 * std::numeric_limits<double>::epsilon() * static_cast<double>(packages);
  return iterations == plain_iterations && rank_difference <= kAgree &&
         change_difference <= std::max(kAgree, rounding);
}

uint64_t Result::moved_bytes() const {
  return statistics[Counter::read_bytes] + statistics[Counter::write_bytes];
}

uint64_t Result::moved_pages() const { return moved_bytes() / kPageBytes; }

std::string ToJson(const Result& result) {
  nlohmann::ordered_json json;
  ForEachNumber(result, [&](const char* name, const auto& value) { json[name] = value; });
  json["agrees"] = result.agrees();
  json["statistics"] = nlohmann::ordered_json::parse(result.statistics.ToJson());
  json["top"] = nlohmann::ordered_json::array();
  for (const RankedPackage& package : result.top) {
    json["top"].push_back({{"name", package.name}, {"rank", package.rank}});
  }
  return json.dump(2);
}

absl::StatusOr<Result> ResultFromJson(std::string_view text) try {
  Result result;
  const nlohmann::json json = nlohmann::json::parse(text);
  ForEachNumber(result, [&](const char* name, auto& value) { json.at(name).get_to(value); });
  for (size_t index = 0; index < kCounters.size(); ++index) {
    json.at("statistics")
        .at(std::string(kCounters[index].name))
        .get_to(result.statistics.values[index]);
  }
  for (const nlohmann::json& package : json.at("top")) {
    result.top.push_back({package.at("name"), package.at("rank")});
  }
  return result;
} catch (const nlohmann::json::exception& error) {
  return absl::InvalidArgumentError(absl::StrCat("not a result of pagerank: ", error.what()));
}

}  // namespace farpage::apps
