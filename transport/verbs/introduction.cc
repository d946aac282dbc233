#include "transport/verbs/introduction.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::transport::verbs {

std::string Serialize(const Introduction& introduction) {
  const size_t pairs = introduction.pairs.size() * sizeof(QueuePairAddress);
  std::string bytes(sizeof(NodeInfo) + pairs, '\0');
  std::memcpy(bytes.data(), &introduction.node, sizeof(NodeInfo));
  std::memcpy(bytes.data() + sizeof(NodeInfo), introduction.pairs.data(), pairs);
  return bytes;
}

absl::StatusOr<Introduction> Parse(NodeId from, const std::string& bytes, uint32_t nodes,
                                   uint32_t slots) {
  Introduction introduction;
  introduction.pairs.resize(nodes);
  const size_t pairs = nodes * sizeof(QueuePairAddress);
  if (bytes.size() == sizeof(NodeInfo) + pairs) {
    std::memcpy(&introduction.node, bytes.data(), sizeof(NodeInfo));
    std::memcpy(introduction.pairs.data(), bytes.data() + sizeof(NodeInfo), pairs);
  }
  const NodeInfo& node = introduction.node;
  if (node.nodes != nodes || node.magic != kMagic) {
    return absl::FailedPreconditionError(
        absl::StrCat("what node ", from.value(), " says of itself (", bytes.size(),
                     " bytes) is not understood: it runs another build of this library"));
  }
  if (node.mailbox_slots != slots) {
    return absl::InvalidArgumentError(absl::StrCat("mailbox_slots is ", slots, ", but ",
                                                   node.mailbox_slots, " on node ", from.value()));
  }
  return introduction;
}

absl::Status At(NodeId node, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("verbs transport, node ", node.value(), ": ", status.message()));
}

// A contribution is a status code and bytes or a message.
absl::StatusOr<std::vector<std::string>> Exchange(Rendezvous& rendezvous, std::string_view key,
                                                  const absl::StatusOr<std::string>& mine,
                                                  absl::Time deadline) {
  const absl::Status own = mine.ok() ? absl::OkStatus() : At(rendezvous.self(), mine.status());
  Contribution sent;
  sent.bytes = absl::StrCat(std::string(1, static_cast<char>(own.code())),
                            mine.ok() ? *mine : std::string(own.message()));
  absl::StatusOr<std::vector<Contribution>> all =
      rendezvous.AllGather(key, std::move(sent), deadline);
  if (!all.ok()) return all.status();
  std::vector<std::string> bytes;
  for (const Contribution& contribution : *all) {
    if (contribution.bytes.empty()) return absl::InternalError("an empty contribution came");
    const auto code = static_cast<absl::StatusCode>(contribution.bytes[0]);
    bytes.push_back(contribution.bytes.substr(1));
    if (code != absl::StatusCode::kOk) return absl::Status(code, bytes.back());
  }
  return bytes;
}

}  // namespace farpage::transport::verbs
