// The environment: names, values and what nodes compare of them. Values that are accepted keep
// within their bounds and come out of the text that nodes compare.
#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/option_value.h"
#include "runtime/bootstrap/options_table.h"
#include "tests/fuzz/fuzz_input.h"

namespace farpage::testing {
namespace {

using bootstrap::EnvironmentList;

void TryValue(std::string_view text) {
  if (const auto bytes = bootstrap::ParseByteSize(text)) {
    Expect(bootstrap::ParseByteSize(bootstrap::FormatByteSize(*bytes)) == bytes,
           "a size is read as it is written");
  }
  if (const auto number = bootstrap::ParseWholeNumber(text)) {
    Expect(bootstrap::ParseWholeNumber(absl::StrCat(*number)) == number,
           "a number is read as it is written");
  }
  (void)bootstrap::ParseSwitch(text);
}

EnvironmentList TakeEnvironment(FuzzInput& input) {
  EnvironmentList environment;
  while (!input.empty() && environment.size() < 8) {
    // An unknown name ends it, and looking for the nearest known one takes long: seldom.
    constexpr uint32_t kKnown = 124;
    const uint32_t which = input.Below(128);
    const auto rows = bootstrap::OptionRows();
    std::string name = which < kKnown ? std::string(rows[which % rows.size()].variable)
                                      : absl::StrCat("FARPAGE_", input.Bytes(8 * (which - kKnown)));
    std::string value = input.ShortText();
    TryValue(value);
    environment.emplace_back(std::move(name), std::move(value));
  }
  return environment;
}

void TryOptions(const EnvironmentList& environment) {
  const absl::StatusOr<Options> options = bootstrap::OptionsFromList(environment);
  if (!options.ok()) {
    Expect(!options.status().message().empty(), "a refusal says why");
    return;
  }
  Expect(options->node.rank < options->node.size, "the rank is one of the size");
  Expect(options->node.size <= kMaxNodes, "no more nodes than there can be");
  const std::string text = bootstrap::ClusterOptionsText(options->cluster);
  Expect(bootstrap::CompareClusterOptions(NodeId(0), text, NodeId(1), text).ok(),
         "the same options agree");
}

}  // namespace
}  // namespace farpage::testing

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage::testing;
  FuzzInput input(data, size);
  const bool compare = input.Flag();
  if (compare) {  // two other nodes' texts, of which one may be anything
    const std::string first = input.ShortText();
    const std::string second = input.Rest();
    const bool same = farpage::bootstrap::CompareClusterOptions(farpage::NodeId(0), first,
                                                                farpage::NodeId(1), second)
                          .ok();
    Expect(same == (first == second), "texts agree when they are the same");
    return 0;
  }
  TryOptions(TakeEnvironment(input));
  return 0;
}
