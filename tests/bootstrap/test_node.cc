// A node for the launcher's tests. What it does is its first argument.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/membership.h"
#include "runtime/bootstrap/options_table.h"

namespace farpage::bootstrap {
namespace {

absl::Time Soon() { return absl::Now() + absl::Seconds(30); }

std::unique_ptr<Membership> Join() {
  const absl::StatusOr<Options> options = OptionsFromEnvironment();
  absl::StatusOr<std::unique_ptr<Membership>> node =
      options.ok() ? JoinCluster(options->node, Soon()) : options.status();
  if (node.ok()) return *std::move(node);
  std::printf("join: %s\n", node.status().ToString().c_str());
  std::exit(20);
}

// Joins, tells everybody its rank, prints what it was told, leaves.
int Gather() {
  const std::unique_ptr<Membership> node = Join();
  const auto all = node->AllGather("gather", {absl::StrCat(node->self().value()), {}}, Soon());
  if (!all.ok()) {
    std::printf("gather: %s\n", all.status().ToString().c_str());
    return 21;
  }
  std::string told;
  for (const transport::Contribution& part : *all) absl::StrAppend(&told, " ", part.bytes);
  std::printf("told%s\n", told.c_str());
  node->Leave();
  return 0;
}

// All join; then node 1 ends as `how` says while the others wait for it.
int LoseOne(std::string_view how) {
  const std::unique_ptr<Membership> node = Join();
  if (!node->AllGather("all here", {}, Soon()).ok()) return 21;
  if (node->self() == NodeId(1)) {
    if (how == "kill") raise(SIGKILL);
    if (how == "exit-3") std::_Exit(3);
    if (how == "exit-0") std::_Exit(0);
  }
  const absl::Status status = node->AllGather("wait", {}, Soon()).status();
  std::printf("%s\n", status.ToString().c_str());
  for (const PeerDeath& death : node->TakeDeaths())
    std::printf("death: %s\n", death.reason.c_str());
  return 5;
}

// Lines of growing length to both streams, written in pieces that do not end where lines do.
int Talk(int lines) {
  std::string waiting[2];
  for (int i = 0; i < lines; ++i) {
    const auto stream = static_cast<size_t>(i % 2);
    absl::StrAppend(&waiting[stream], "line ", i, " ",
                    std::string(static_cast<size_t>(i % 97), 'x'), " end\n");
    while (waiting[stream].size() > 173 || (i + 2 >= lines && !waiting[stream].empty())) {
      const size_t size = std::min<size_t>(173, waiting[stream].size());
      const ssize_t written =
          write(static_cast<int>(stream) + STDOUT_FILENO, waiting[stream].data(), size);
      if (written < 0) return 1;
      waiting[stream].erase(0, static_cast<size_t>(written));
    }
  }
  return 0;
}

}  // namespace
}  // namespace farpage::bootstrap

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "gather") return farpage::bootstrap::Gather();
  if (what == "lose-one" && argc > 2) return farpage::bootstrap::LoseOne(argv[2]);
  if (what == "talk" && argc > 2) return farpage::bootstrap::Talk(std::atoi(argv[2]));
  return 99;
}
