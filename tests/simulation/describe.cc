#include "tests/simulation/describe.h"

#include <deque>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace farpage::simulation {

using directory::Event;
using directory::State;
using directory::Verdict;
using internal::PageId;
using transport::sim::Trace;
using transport::sim::TraceEvent;

namespace {

constexpr uint16_t kStep = transport::sim::kFirstOther;
constexpr uint16_t kChange = kStep + 1;

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kStepped:
      return "";
    case Verdict::kHit:
      return " (hit)";
    case Verdict::kWait:
      return " (waits)";
    case Verdict::kRefused:
      return " (refused)";
    case Verdict::kIgnored:
      return " (ignored)";
    case Verdict::kImpossible:
      return " (impossible)";
  }
  return "";
}

const char* ChangeName(MappingChange change) {
  switch (change) {
    case MappingChange::kReadOnly:
      return "maps it read-only";
    case MappingChange::kWritable:
      return "maps it writable";
    case MappingChange::kProtected:
      return "protects it";
    case MappingChange::kUnmapped:
      return "unmaps it";
  }
  return "";
}

std::string DescribeStepEvent(const TraceEvent& event) {
  const auto before = static_cast<State>(event.detail >> 24 & 0xFF);
  const auto input = static_cast<Event>(event.detail >> 16 & 0xFF);
  const auto after = static_cast<State>(event.detail >> 8 & 0xFF);
  const auto verdict = static_cast<Verdict>(event.detail & 0xFF);
  const std::string from =
      NodeId(event.other).valid() ? absl::StrCat(" from node ", event.other) : "";
  return absl::StrFormat("page %u: %s in %s%s → %s%s", event.subject, directory::Name(input),
                         directory::Name(before), from, directory::Name(after),
                         VerdictName(verdict));
}

std::string DescribeTransport(const TraceEvent& event) {
  switch (event.kind) {
    case transport::sim::kTracePost:
      return absl::StrFormat("posts %u operations to node %u", event.detail, event.other);
    case transport::sim::kTraceExecute:
      return absl::StrFormat("operation %u executes at node %u, %x", event.detail, event.other,
                             event.subject);
    case transport::sim::kTraceSend:
      return absl::StrFormat("sends a message to node %u", event.other);
    case transport::sim::kTraceDeliver:
      return absl::StrFormat("message arrives at node %u", event.other);
    case transport::sim::kTraceComplete:
      return absl::StrFormat("chain to node %u ends: %s", event.other,
                             FateName(static_cast<transport::Fate>(event.detail)));
    case transport::sim::kTraceTold:
      return absl::StrFormat("is told that node %u has failed", event.other);
    case transport::sim::kTraceDied:
      return "dies";
    case transport::sim::kTraceStopped:
      return absl::StrFormat("stops for %u ns", event.detail);
    default:
      return absl::StrFormat("event of kind %u", event.kind);
  }
}

bool About(const TraceEvent& event, std::optional<PageId> page) {
  if (!page.has_value()) return true;
  if (event.kind == kStep || event.kind == kChange) return event.subject == page->value;
  return event.kind == transport::sim::kTraceTold || event.kind == transport::sim::kTraceDied ||
         event.kind == transport::sim::kTraceStopped;
}

}  // namespace

TraceEvent DescribeStep(int64_t when_ns, NodeId node, const StepTaken& step) {
  const uint64_t detail = uint64_t{static_cast<uint8_t>(step.before)} << 24 |
                          uint64_t{static_cast<uint8_t>(step.event)} << 16 |
                          uint64_t{static_cast<uint8_t>(step.after)} << 8 |
                          static_cast<uint8_t>(step.verdict);
  return {when_ns, kStep, node.value(), step.from.value(), step.page.value, detail};
}

TraceEvent DescribeChange(int64_t when_ns, NodeId node, PageId page, MappingChange change) {
  return {when_ns, kChange, node.value(), 0, page.value, static_cast<uint64_t>(change)};
}

std::string DescribeEvents(const Trace& trace, std::optional<PageId> page, size_t most) {
  std::deque<std::string> lines;
  trace.ForEach([&](const TraceEvent& event) {
    if (!About(event, page)) return;
    const std::string what =
        event.kind == kStep ? DescribeStepEvent(event)
        : event.kind == kChange
            ? absl::StrFormat("page %u: %s", event.subject,
                              ChangeName(static_cast<MappingChange>(event.detail)))
            : DescribeTransport(event);
    lines.push_back(absl::StrFormat("%12d ns  node %u  %s\n", event.when_ns, event.node, what));
    if (lines.size() > most) lines.pop_front();
  });
  return absl::StrJoin(lines, "");
}

}  // namespace farpage::simulation
