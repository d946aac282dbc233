// Prints the table of several results of pagerank. Exit status: 0 if all agree with the plain run
// and with each other, 1 if not, 2 for wrong usage.
#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/apps/report.h"

namespace farpage::apps {
namespace {

absl::StatusOr<Result> ReadResult(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError("cannot be read");
  return ResultFromJson(text.str());
}

int Main(int argc, char** argv) {
  std::vector<std::string> files;
  CLI::App app("Prints results of pagerank --json as a table.", "pagerank_report");
  app.add_option("FILE", files,
                 "what pagerank --json wrote; the first is what speed is compared to")
      ->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::vector<Result> results;
  for (const std::string& file : files) {
    absl::StatusOr<Result> result = ReadResult(file);
    if (!result.ok()) {
      absl::FPrintF(stderr, "pagerank_report: %s: %s\n", file,
                    std::string(result.status().message()));
      return 1;
    }
    results.push_back(*std::move(result));
  }
  absl::PrintF("%s", FormatReport(results));
  const absl::Status checked = CheckResults(results);
  if (checked.ok()) return 0;
  absl::FPrintF(stderr, "pagerank_report: %s\n", std::string(checked.message()));
  return 1;
}

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) { return farpage::apps::Main(argc, argv); }
