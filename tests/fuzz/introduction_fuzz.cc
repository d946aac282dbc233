// What a node says of itself when nodes meet over verbs.
#include <string>

#include "tests/fuzz/fuzz_input.h"
#include "transport/verbs/introduction.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace farpage;
  using namespace farpage::testing;
  using namespace transport::verbs;
  FuzzInput input(data, size);
  const uint32_t nodes = 1 + input.Below(16);
  const uint32_t slots = 1u << input.Below(12);
  std::string bytes = input.Rest();
  const bool well_begun = bytes.size() >= sizeof(NodeInfo);
  if (well_begun && input.empty() && (bytes.back() & 1) != 0) {
    // Past the first checks, which random bytes hardly pass.
    NodeInfo head;
    std::memcpy(bytes.data(), &head.magic, sizeof head.magic);
    std::memcpy(bytes.data() + sizeof head.magic, &nodes, sizeof nodes);
    std::memcpy(bytes.data() + sizeof head.magic + sizeof nodes, &slots, sizeof slots);
  }
  const absl::StatusOr<Introduction> parsed = Parse(NodeId(0), bytes, nodes, slots);
  if (!parsed.ok()) return 0;
  Expect(parsed->pairs.size() == nodes, "a queue pair for every node");
  Expect(Serialize(*parsed) == bytes, "serialising undoes parsing");
  return 0;
}
