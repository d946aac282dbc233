#include "runtime/cluster.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace farpage::internal {

using transport::Contribution;
using transport::Fate;
using transport::RemoteAddress;

absl::StatusOr<std::vector<std::string>> Cluster::AllGather(std::string_view name,
                                                            std::string bytes) {
  Contribution mine;
  mine.bytes = std::move(bytes);
  const absl::Time deadline = absl::Now() + absl::Milliseconds(options_.cluster.timeout_ms);
  absl::StatusOr<std::vector<Contribution>> all =
      rendezvous_.AllGather(name, std::move(mine), deadline);
  if (!all.ok()) return all.status();
  std::vector<std::string> gathered;
  gathered.reserve(all->size());
  for (Contribution& contribution : *all) gathered.push_back(std::move(contribution.bytes));
  return gathered;
}

absl::Status Cluster::Agree(std::string_view name, std::string_view description) {
  const std::string key = absl::StrCat("agree on ", std::string(name));
  absl::StatusOr<std::vector<std::string>> all = AllGather(key, std::string(description));
  if (!all.ok()) return all.status();
  for (size_t node = 0; node < all->size(); ++node) {
    if ((*all)[node] == description) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), " differs between nodes: node ", self().value(), " has ",
                     std::string(description), ", node ", node, " has ", (*all)[node],
                     "; all nodes must give the same"));
  }
  return absl::OkStatus();
}

absl::Status Cluster::AllSucceed(std::string_view name, const absl::Status& mine) {
  absl::StatusOr<std::vector<std::string>> all =
      AllGather(absl::StrCat("success of ", std::string(name)), mine.ok() ? "" : mine.ToString());
  if (!mine.ok()) return mine;
  if (!all.ok()) return all.status();
  for (size_t node = 0; node < all->size(); ++node) {
    if ((*all)[node].empty()) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat(std::string(name), " failed on node ", node, ": ", (*all)[node]));
  }
  return absl::OkStatus();
}

absl::StatusOr<SymmetricMemory> Cluster::AllocateSymmetric(std::string_view name, size_t bytes) {
  SymmetricMemory memory;
  absl::Status error;
  RemoteAddress where;
  if (bytes > 0) {
    absl::StatusOr<std::unique_ptr<transport::Memory>> own = transport().Allocate(bytes, name);
    if (own.ok()) {
      memory.own = *std::move(own);
      where = memory.own->remote();
    } else {
      error = own.status();
    }
  }
  // A byte says whether the address or an error text follows, so that nobody is left waiting.
  std::string contribution;
  if (error.ok()) {
    contribution.assign(1, 'a');
    contribution.append(reinterpret_cast<const char*>(&where), sizeof where);
  } else {
    contribution = absl::StrCat("e", std::string(error.message()));
  }
  absl::StatusOr<std::vector<std::string>> all =
      AllGather(absl::StrCat("memory of ", std::string(name)), std::move(contribution));
  if (!all.ok()) return all.status();
  for (size_t node = 0; node < all->size(); ++node) {
    const std::string& bytes_of = (*all)[node];
    if (bytes_of.size() != 1 + sizeof where || bytes_of[0] != 'a') {
      if (!error.ok()) return error;
      return absl::ResourceExhaustedError(
          absl::StrCat("node ", node, " cannot allocate its part of ", std::string(name), ": ",
                       bytes_of.empty() ? "no answer" : bytes_of.substr(1)));
    }
    RemoteAddress address;
    std::memcpy(&address, bytes_of.data() + 1, sizeof address);
    memory.remote.push_back(address);
  }
  return memory;
}

absl::Status Cluster::FateError(Fate fate, std::string_view doing, NodeId peer) const {
  if (!peer.valid() || !fabric_.transport().peer_failed(peer)) {
    const NodeId failed = fabric_.AnyFailedPeer();
    if (failed.valid()) peer = failed;
  }
  const std::string what(doing);
  if (peer.valid() && fabric_.transport().peer_failed(peer)) {
    return absl::UnavailableError(absl::StrCat(
        what, ": node ", peer.value(), " failed: ", fabric_.transport().failure_reason(peer)));
  }
  if (fate == Fate::kTimedOut) {
    const std::string whom = peer.valid() ? absl::StrCat("node ", peer.value()) : "other nodes";
    return absl::DeadlineExceededError(absl::StrCat(what, ": ", whom, " did not answer within ",
                                                    options_.cluster.timeout_ms,
                                                    " ms (FARPAGE_TIMEOUT_MS)"));
  }
  return absl::InternalError(absl::StrCat(what, ": ", transport::FateName(fate)));
}

}  // namespace farpage::internal
