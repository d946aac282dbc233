#include "tests/transport/backend.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace farpage::transport {
namespace {

std::vector<Backend>& Registered() {
  static auto* backends = new std::vector<Backend>;
  return *backends;
}

Backend Unknown(const std::string& name) {
  return {name, [name](Rendezvous&, absl::Time) -> absl::StatusOr<std::unique_ptr<Transport>> {
            return absl::NotFoundError(absl::StrCat("FARPAGE_TEST_TRANSPORTS names '", name,
                                                    "', which is not in this program"));
          }};
}

}  // namespace

bool RegisterBackend(Backend backend) {
  Registered().push_back(std::move(backend));
  return true;
}

std::vector<Backend> BackendsUnderTest() {
  const char* const names = std::getenv("FARPAGE_TEST_TRANSPORTS");
  const std::vector<std::string> wanted =
      absl::StrSplit(names == nullptr ? "shm" : names, ',', absl::SkipWhitespace());
  std::vector<Backend> chosen;
  for (const std::string& name : wanted) {
    const auto found = std::find_if(Registered().begin(), Registered().end(),
                                    [&](const Backend& backend) { return backend.name == name; });
    chosen.push_back(found != Registered().end() ? *found : Unknown(name));
  }
  return chosen;
}

}  // namespace farpage::transport
