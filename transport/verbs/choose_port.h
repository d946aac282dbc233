// Which port and address a node uses: a pure function of what the machine has and what was asked.
#ifndef FARPAGE_TRANSPORT_VERBS_CHOOSE_PORT_H_
#define FARPAGE_TRANSPORT_VERBS_CHOOSE_PORT_H_

#include <infiniband/verbs.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "transport/verbs/verbs_transport.h"

namespace farpage::transport::verbs {

struct PortView {
  uint8_t number = 1;
  ibv_port_attr attributes{};
  std::vector<ibv_gid_entry> gids;
};

struct DeviceView {
  std::string name;
  absl::Status usable;  // why it cannot be opened or used at all
  std::vector<PortView> ports;
};

struct PortChoice {
  size_t device = 0;  // index
  uint8_t port = 1;
  bool roce = false;
  uint16_t lid = 0;  // InfiniBand
  uint8_t gid_index = 0;
  ibv_gid gid{};
  ibv_mtu mtu = IBV_MTU_256;
  uint32_t max_message_bytes = 0;
};

// Errors as CreateVerbsTransport(), listing every port that was looked at with what it lacks.
absl::StatusOr<PortChoice> ChoosePort(std::span<const DeviceView> devices,
                                      const VerbsOptions& options);

// The IP address of a RoCE v2 GID, as text.
std::string AddressOf(const ibv_gid& gid);

// Bytes of an MTU. For 0 bytes and sizes that no MTU has, MtuOf() returns 0.
uint32_t BytesOf(ibv_mtu mtu);
ibv_mtu MtuOf(uint32_t bytes);

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_CHOOSE_PORT_H_
