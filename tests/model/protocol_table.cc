// Prints the protocol's table for docs/protocol.md, from the table that the code uses.
//   protocol_table            prints it
//   protocol_table --check F  exit status 1 unless F has it between its markers
//   protocol_table --write F  puts it there
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "directory/protocol.h"

namespace farpage::directory {
namespace {

constexpr char kBegin[] = "<!-- table -->\n";
constexpr char kEnd[] = "<!-- /table -->";

struct Group {
  const char* title;
  std::vector<Event> events;
};

std::vector<Group> Groups() {
  using enum Event;
  return {
      {"Local accesses and eviction", {kRead, kWrite, kEvict}},
      {"Results of the read chain",
       {kReadFree, kReadFreeOwed, kReadHeld, kReadHeldAhead, kReadLost}},
      {"Results of the write chain",
       {kWonAlone, kWonShared, kWonSharedAhead, kWonWithoutPage, kBeaten, kBeatenAhead, kBeatenLost,
        kBeatenOrphan, kPageArrived, kPageArrivedLast}},
      {"Answers", {kGrantShared, kGrantPoisoned, kGrantExclusive, kNack, kAck, kAckLast}},
      {"Requests of others",
       {kInvalidate, kInvalidateHeld, kInvalidateByPartner, kFetchShared, kFetchExclusive,
        kFetchHeld, kFetchRefused}},
      {"Time, hand-over and failures",
       {kHoldOver, kHandedOver, kPartnerFailed, kChainFailed, kIrrelevant}},
  };
}

bool Says(const CellView& cell) {
  return cell.verdict != Verdict::kImpossible && cell.verdict != Verdict::kIgnored;
}

std::string Text(State state, const CellView& cell) {
  switch (cell.verdict) {
    case Verdict::kHit:
      return "hit";
    case Verdict::kWait:
      return "wait";
    case Verdict::kRefused:
      return "refuse";
    case Verdict::kIgnored:
      return "·";
    case Verdict::kImpossible:
      return "–";
    case Verdict::kStepped:
      break;
  }
  std::string text;
  for (uint8_t action : cell.actions) {
    absl::StrAppend(&text, text.empty() ? "" : "; ", ActionName(action));
  }
  if (cell.next != state) {
    absl::StrAppend(&text, text.empty() ? "" : " ", "→ **", Name(cell.next), "**");
  }
  return text.empty() ? "stay" : text;
}

std::string TableOf(const Group& group) {
  std::vector<State> states;
  for (size_t index = 0; index < kStates; ++index) {
    const auto state = static_cast<State>(index);
    if (std::any_of(group.events.begin(), group.events.end(),
                    [&](Event event) { return Says(Cell(state, event)); })) {
      states.push_back(state);
    }
  }
  std::string text = absl::StrCat("**", group.title, "**\n\n| |");
  for (State state : states) absl::StrAppend(&text, " ", Name(state), " |");
  absl::StrAppend(&text, "\n|---|");
  for (size_t index = 0; index < states.size(); ++index) absl::StrAppend(&text, "---|");
  for (Event event : group.events) {
    absl::StrAppend(&text, "\n| ", Name(event), " |");
    for (State state : states) absl::StrAppend(&text, " ", Text(state, Cell(state, event)), " |");
  }
  absl::StrAppend(&text, "\n");
  return text;
}

// All groups. Stops the process if they do not cover the events.
std::string Table() {
  std::array<int, kEvents> printed{};
  std::string text;
  for (const Group& group : Groups()) {
    for (Event event : group.events) ++printed[static_cast<size_t>(event)];
    absl::StrAppend(&text, "\n", TableOf(group));
  }
  for (size_t event = 0; event < kEvents; ++event) {
    if (printed[event] == 1) continue;
    std::fprintf(stderr, "event '%s' is printed %d times\n", Name(static_cast<Event>(event)),
                 printed[event]);
    std::exit(1);
  }
  absl::StrAppend(&text, "\n");
  return text;
}

int CheckOrWrite(const char* path, bool write) {
  std::ifstream in(path);
  std::stringstream buffer;
  buffer << in.rdbuf();
  std::string document = buffer.str();
  const size_t begin = document.find(kBegin);
  const size_t end = document.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::fprintf(stderr, "%s: no markers %.*s and %s\n", path, 14, kBegin, kEnd);
    return 1;
  }
  const size_t table_begin = begin + std::strlen(kBegin);
  const std::string table = Table();
  if (document.compare(table_begin, end - table_begin, table) == 0) return 0;
  if (!write) {
    std::fprintf(stderr, "%s does not show the protocol's table: run protocol_table --write %s\n",
                 path, path);
    return 1;
  }
  document.replace(table_begin, end - table_begin, table);
  std::ofstream out(path);
  out << document;
  out.close();
  return out.good() ? 0 : 1;
}

}  // namespace
}  // namespace farpage::directory

int main(int argc, char** argv) {
  using namespace farpage::directory;  // NOLINT(google-build-using-namespace)
  if (argc == 1) {
    std::fputs(Table().c_str(), stdout);
    return 0;
  }
  if (argc == 3 && std::strcmp(argv[1], "--check") == 0) return CheckOrWrite(argv[2], false);
  if (argc == 3 && std::strcmp(argv[1], "--write") == 0) return CheckOrWrite(argv[2], true);
  std::fprintf(stderr, "usage: protocol_table [--check FILE | --write FILE]\n");
  return 2;
}
