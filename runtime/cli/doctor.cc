// farpage doctor: checks what Farpage needs of this machine.
#include <iostream>

#include "absl/strings/str_format.h"
#include "runtime/cli/doctor_checks.h"
#include "runtime/cli/subcommand.h"

namespace farpage::cli {
namespace {

const char* Word(Finding::Kind kind) {
  switch (kind) {
    case Finding::Kind::kOk:
      return "ok";
    case Finding::Kind::kNote:
      return "note";
    case Finding::Kind::kProblem:
      return "problem";
  }
  return "";
}

}  // namespace

int Doctor(const Arguments& arguments) {
  CLI::App app("Checks what Farpage needs of this machine. Exit status 1 if there is a problem.",
               "farpage doctor");
  if (std::optional<int> done = Parse(app, arguments)) return *done;
  bool problem = false;
  for (const Finding& finding : CheckMachine()) {
    problem = problem || finding.kind == Finding::Kind::kProblem;
    std::cout << absl::StrFormat("%-8s %-14s %s%s%s\n", Word(finding.kind), finding.subject,
                                 finding.text, finding.fix.empty() ? "" : "; fix: ", finding.fix);
  }
  return problem ? 1 : 0;
}

}  // namespace farpage::cli
