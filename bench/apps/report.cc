#include "bench/apps/report.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/apps/frame/format.h"

namespace farpage::apps {

namespace {

using Row = std::vector<std::string>;

// Columns as wide as their widest cell: the first to the left, the others to the right.
std::string FormatTable(const std::vector<Row>& rows, size_t heading_rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  size_t total = 2 * (widths.size() - 1);
  for (const size_t width : widths) total += width;
  std::string table;
  for (size_t row = 0; row < rows.size(); ++row) {
    std::string line = "  ";
    for (size_t column = 0; column < widths.size(); ++column) {
      const int width = static_cast<int>(widths[column]);
      absl::StrAppendFormat(&line, "%s%*s", column == 0 ? "" : "  ", column == 0 ? -width : width,
                            rows[row][column]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&table, line, "\n");
    if (row + 1 == heading_rows) absl::StrAppend(&table, "  ", std::string(total, '-'), "\n");
  }
  return table;
}

std::string FormatSeconds(double seconds) {
  if (seconds < 1e-3) return absl::StrFormat("%.0f us", seconds * 1e6);
  if (seconds < 1) return absl::StrFormat("%.1f ms", seconds * 1e3);
  return absl::StrFormat("%.2f s", seconds);
}

std::string Ratio(double numerator, double denominator) {
  return denominator > 0 ? absl::StrFormat("%.2f x", numerator / denominator) : "-";
}

Row ResultRow(const Result& result, const Result& first) {
  const auto count = [&](Counter counter) { return WithSeparators(result.statistics[counter]); };
  return {absl::StrCat(result.nodes, result.nodes == 1 ? " node" : " nodes"),
          FormatSeconds(result.seconds),
          Ratio(first.seconds, result.seconds),
          Ratio(result.plain_seconds, result.seconds),
          count(Counter::read_faults),
          count(Counter::write_faults),
          count(Counter::upgrade_faults),
          WithSeparators(result.moved_pages()),
          WithSeparators(static_cast<uint64_t>(std::lround(
              static_cast<double>(result.moved_pages()) / std::max(result.iterations, 1u)))),
          FormatBytes(result.moved_bytes()),
          count(Counter::invalidations_sent)};
}

std::string FormatTop(const std::vector<RankedPackage>& top) {
  std::vector<Row> rows = {{"package", "rank", "of all"}};
  for (const RankedPackage& package : top) {
    rows.push_back({package.name, absl::StrFormat("%.6f", package.rank),
                    absl::StrFormat("%.2f %%", package.rank * 100)});
  }
  return FormatTable(rows, 1);
}

}  // namespace

absl::Status CheckResults(std::span<const Result> results) {
  for (const Result& result : results) {
    const Result& first = results.front();
    const auto wrong = [&](const char* what) {
      return absl::FailedPreconditionError(
          absl::StrCat("the run on ", result.nodes, " nodes ", what));
    };
    if (!result.agrees()) return wrong("differs from the plain run");
    if (result.packages != first.packages || result.dependencies != first.dependencies ||
        result.tolerance != first.tolerance) {
      return wrong("was of another graph or to another tolerance than the first");
    }
    if (!std::ranges::equal(result.top, first.top, {}, &RankedPackage::name,
                            &RankedPackage::name)) {
      return wrong("has other top packages than the first");
    }
  }
  return absl::OkStatus();
}

std::string FormatReport(std::span<const Result> results) {
  const Result& first = results.front();
  double plain_seconds = first.plain_seconds;
  double difference = 0;
  for (const Result& result : results) {
    plain_seconds = std::min(plain_seconds, result.plain_seconds);
    difference = std::max(difference, result.rank_difference);
  }
  std::vector<Row> rows = {{"", "", "against", "against", "read", "write", "upgrade", "pages",
                            "per", "bytes", "invali-"},
                           {"", "time", "first row", "plain", "faults", "faults", "faults", "moved",
                            "iteration", "moved", "dations"}};
  for (const Result& result : results) rows.push_back(ResultRow(result, first));
  rows.push_back({"plain", FormatSeconds(plain_seconds), Ratio(first.seconds, plain_seconds),
                  Ratio(1, 1), "", "", "", "", "", "", ""});

  return absl::StrCat(
      "PageRank of ", WithSeparators(first.packages), " Debian packages and ",
      WithSeparators(first.dependencies), " dependencies, ", first.iterations,
      " iterations until the change was ", absl::StrFormat("%.0e", first.tolerance), " or less\n\n",
      FormatTable(rows, 2),
      "\n  plain: the same iterations on private memory in one process, the best of ",
      results.size(), results.size() == 1 ? " run\n" : " runs\n",
      "  counts are of the iterations, all nodes together; pages have 4,096 bytes\n\n",
      FormatTop(first.top), "\nlargest difference of a rank from the plain run: ",
      difference == 0 ? "none" : absl::StrFormat("%.1e", difference), "\n");
}

}  // namespace farpage::apps
