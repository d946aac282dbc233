#include "transport/verbs/choose_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace farpage::transport::verbs {
namespace {

// How much a GID is liked; 0: not usable.
enum Rank { kUseless, kIpv6, kIpv4 };

in6_addr Ip(const ibv_gid& gid) {
  in6_addr address;
  static_assert(sizeof address == sizeof gid.raw);
  std::memcpy(&address, gid.raw, sizeof address);
  return address;
}

Rank RankOf(const ibv_gid_entry& entry) {
  const in6_addr address = Ip(entry.gid);
  if (entry.gid_type != IBV_GID_TYPE_ROCE_V2) return kUseless;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return address.s6_addr[12] == 127 ? kUseless : kIpv4;
  if (IN6_IS_ADDR_LINKLOCAL(&address) || IN6_IS_ADDR_LOOPBACK(&address)) return kUseless;
  return kIpv6;
}

absl::StatusOr<in6_addr> Parse(const std::string& text) {
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) == 1) return address;
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    address.s6_addr[10] = address.s6_addr[11] = 0xff;
    std::memcpy(&address.s6_addr[12], &v4, sizeof v4);
    return address;
  }
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not an IP address"));
}

// The GID that was asked for, or the best, of a RoCE port.
absl::StatusOr<ibv_gid_entry> ChooseGid(const PortView& port, const VerbsOptions& options) {
  if (options.gid_index >= 0) {
    for (const ibv_gid_entry& entry : port.gids) {
      if (entry.gid_index != static_cast<uint32_t>(options.gid_index)) continue;
      if (entry.gid_type == IBV_GID_TYPE_ROCE_V2) return entry;
      return absl::FailedPreconditionError(
          absl::StrCat("GID ", options.gid_index, " is not RoCE v2"));
    }
    return absl::NotFoundError(absl::StrCat("its GID table has no entry ", options.gid_index));
  }
  if (!options.address.empty()) {
    const absl::StatusOr<in6_addr> wanted = Parse(options.address);
    if (!wanted.ok()) return wanted.status();
    for (const ibv_gid_entry& entry : port.gids) {
      const in6_addr address = Ip(entry.gid);
      if (entry.gid_type == IBV_GID_TYPE_ROCE_V2 && IN6_ARE_ADDR_EQUAL(&address, &*wanted)) {
        return entry;
      }
    }
    return absl::NotFoundError(absl::StrCat("no GID for the address ", options.address,
                                            "; its interface must have that address"));
  }
  const auto best =
      std::max_element(port.gids.begin(), port.gids.end(),
                       [](const auto& a, const auto& b) { return RankOf(a) < RankOf(b); });
  if (best == port.gids.end() || RankOf(*best) == kUseless) {
    return absl::FailedPreconditionError(
        "no RoCE v2 GID of an IP address; give its interface one (ip addr add)");
  }
  return *best;
}

absl::StatusOr<PortChoice> Consider(const PortView& port, const VerbsOptions& options) {
  const ibv_port_attr& attributes = port.attributes;
  if (attributes.state != IBV_PORT_ACTIVE) {
    return absl::FailedPreconditionError(
        absl::StrCat("is ", ibv_port_state_str(attributes.state),
                     "; check the cable and bring its network interface up (ip link set … up)"));
  }
  PortChoice choice;
  choice.port = port.number;
  choice.roce = attributes.link_layer == IBV_LINK_LAYER_ETHERNET;
  choice.lid = attributes.lid;
  choice.max_message_bytes = attributes.max_msg_sz;
  choice.mtu = attributes.active_mtu;
  if (options.mtu_bytes != 0) {
    if (options.mtu_bytes > BytesOf(attributes.active_mtu)) {
      return absl::FailedPreconditionError(
          absl::StrCat("has an MTU of ", BytesOf(attributes.active_mtu), ", less than mtu_bytes = ",
                       options.mtu_bytes, "; raise the MTU of its network interface"));
    }
    choice.mtu = MtuOf(options.mtu_bytes);
  }
  if (choice.roce) {
    const absl::StatusOr<ibv_gid_entry> gid = ChooseGid(port, options);
    if (!gid.ok()) return gid.status();
    choice.gid_index = static_cast<uint8_t>(gid->gid_index);
    choice.gid = gid->gid;
  } else {
    if (attributes.lid == 0) {
      return absl::FailedPreconditionError("has no LID; is a subnet manager running (opensm)?");
    }
    choice.gid_index = static_cast<uint8_t>(std::max(options.gid_index, 0));
    for (const ibv_gid_entry& entry : port.gids) {
      if (entry.gid_index == choice.gid_index) choice.gid = entry.gid;
    }
  }
  return choice;
}

absl::Status CheckOptions(const VerbsOptions& options) {
  if (options.mtu_bytes != 0 && MtuOf(options.mtu_bytes) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("mtu_bytes is ", options.mtu_bytes,
                                                   "; it can be 256, 512, 1024, 2048 or 4096"));
  }
  if (options.gid_index > 255) {
    return absl::InvalidArgumentError(
        absl::StrCat("gid_index is ", options.gid_index, "; it can be 0 … 255"));
  }
  if (!options.address.empty()) return Parse(options.address).status();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PortChoice> ChoosePort(std::span<const DeviceView> devices,
                                      const VerbsOptions& options) {
  absl::Status valid = CheckOptions(options);
  if (!valid.ok()) return valid;
  std::vector<std::string> names;
  std::vector<std::string> reasons;
  absl::StatusCode code = absl::StatusCode::kNotFound;
  for (size_t i = 0; i < devices.size(); ++i) {
    const DeviceView& device = devices[i];
    names.push_back(device.name);
    if (!options.device.empty() && device.name != options.device) continue;
    if (!device.usable.ok()) {
      code = device.usable.code();
      reasons.push_back(absl::StrCat(device.name, ": ", device.usable.message()));
      continue;
    }
    for (const PortView& port : device.ports) {
      if (options.port != 0 && port.number != options.port) continue;
      absl::StatusOr<PortChoice> choice = Consider(port, options);
      if (choice.ok()) {
        choice->device = i;
        return choice;
      }
      code = choice.status().code();
      reasons.push_back(
          absl::StrCat(device.name, " port ", port.number, ": ", choice.status().message()));
    }
  }
  if (!reasons.empty()) return absl::Status(code, absl::StrJoin(reasons, "; "));
  std::string wanted = options.device.empty() ? "an RDMA device" : "a device " + options.device;
  if (options.port != 0) absl::StrAppend(&wanted, " with a port ", options.port);
  return absl::NotFoundError(
      absl::StrCat("there is not ", wanted, "; the devices are ", absl::StrJoin(names, ", ")));
}

std::string AddressOf(const ibv_gid& gid) {
  const in6_addr address = Ip(gid);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    inet_ntop(AF_INET, &address.s6_addr[12], text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, &address, text.data(), text.size());
  }
  return text.data();
}

uint32_t BytesOf(ibv_mtu mtu) { return 128u << mtu; }

ibv_mtu MtuOf(uint32_t bytes) {
  for (const ibv_mtu mtu : {IBV_MTU_256, IBV_MTU_512, IBV_MTU_1024, IBV_MTU_2048, IBV_MTU_4096}) {
    if (BytesOf(mtu) == bytes) return mtu;
  }
  return static_cast<ibv_mtu>(0);
}

}  // namespace farpage::transport::verbs
