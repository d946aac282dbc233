// Which port and address a node takes, and what it says when it finds none.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "transport/verbs/choose_port.h"

namespace farpage::transport::verbs {
namespace {

ibv_gid_entry Gid(uint32_t index, const std::string& address,
                  ibv_gid_type type = IBV_GID_TYPE_ROCE_V2) {
  ibv_gid_entry entry{};
  entry.gid_index = index;
  entry.gid_type = type;
  const std::string text = address.find(':') == std::string::npos ? "::ffff:" + address : address;
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), entry.gid.raw), 1) << text;
  return entry;
}

PortView Roce(uint8_t number, std::vector<ibv_gid_entry> gids) {
  PortView port;
  port.number = number;
  port.attributes.state = IBV_PORT_ACTIVE;
  port.attributes.link_layer = IBV_LINK_LAYER_ETHERNET;
  port.attributes.active_mtu = IBV_MTU_1024;
  port.attributes.max_msg_sz = 1 << 30;
  port.gids = std::move(gids);
  return port;
}

PortView Infiniband(uint8_t number, uint16_t lid) {
  PortView port = Roce(number, {Gid(0, "fe80::2", IBV_GID_TYPE_IB)});
  port.attributes.link_layer = IBV_LINK_LAYER_INFINIBAND;
  port.attributes.active_mtu = IBV_MTU_4096;
  port.attributes.lid = lid;
  return port;
}

PortView Down(PortView port) {
  port.attributes.state = IBV_PORT_DOWN;
  return port;
}

DeviceView Device(const std::string& name, std::vector<PortView> ports) {
  return {name, absl::OkStatus(), std::move(ports)};
}

// What rxe on an ordinary interface shows.
DeviceView Rxe() {
  return Device("rxe0", {Roce(1, {Gid(0, "fe80::1"), Gid(1, "10.0.2.15"), Gid(2, "fec0::1")})});
}

void ExpectError(const absl::StatusOr<PortChoice>& choice, absl::StatusCode code,
                 const std::vector<std::string>& words) {
  ASSERT_EQ(choice.status().code(), code) << choice.status();
  for (const std::string& word : words) {
    EXPECT_NE(choice.status().message().find(word), absl::string_view::npos)
        << choice.status() << "\nlacks " << word;
  }
}

TEST(VerbsChoosePort, TakesTheIpv4AddressOfTheFirstActivePort) {
  const DeviceView devices[] = {Device("down0", {Down(Roce(1, {Gid(0, "10.0.0.1")}))}),
                                Device("bare0", {Roce(1, {Gid(0, "fe80::1")})}), Rxe()};
  const auto choice = ChoosePort(devices, {});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(choice->device, 2u);
  EXPECT_EQ(choice->port, 1);
  EXPECT_EQ(choice->gid_index, 1);
  EXPECT_TRUE(choice->roce);
  EXPECT_EQ(choice->mtu, IBV_MTU_1024);
  EXPECT_EQ(AddressOf(choice->gid), "10.0.2.15");
}

TEST(VerbsChoosePort, PrefersIpv4AndSkipsWhatCannotBeReached) {
  const DeviceView devices[] = {
      Device("mix0", {Roce(1, {Gid(0, "10.0.0.1", IBV_GID_TYPE_ROCE_V1), Gid(1, "127.0.0.1"),
                               Gid(2, "fd00::7"), Gid(3, "10.0.0.1"), Gid(4, "10.0.0.2")})})};
  EXPECT_EQ(ChoosePort(devices, {})->gid_index, 3);
}

TEST(VerbsChoosePort, FallsBackToIpv6) {
  const DeviceView devices[] = {Device("six0", {Roce(1, {Gid(0, "fe80::1"), Gid(4, "fd00::7")})})};
  const auto choice = ChoosePort(devices, {});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(choice->gid_index, 4);
  EXPECT_EQ(AddressOf(choice->gid), "fd00::7");
}

TEST(VerbsChoosePort, TakesInfinibandByItsLid) {
  const DeviceView devices[] = {Device("ib0", {Down(Infiniband(1, 3)), Infiniband(2, 4)})};
  const auto choice = ChoosePort(devices, {});
  ASSERT_TRUE(choice.ok()) << choice.status();
  EXPECT_EQ(choice->port, 2);
  EXPECT_EQ(choice->lid, 4);
  EXPECT_FALSE(choice->roce);
  const DeviceView unmanaged[] = {Device("ib0", {Infiniband(1, 0)})};
  ExpectError(ChoosePort(unmanaged, {}), absl::StatusCode::kFailedPrecondition,
              {"ib0 port 1", "no LID", "opensm"});
}

TEST(VerbsChoosePort, EveryChoiceCanBeOverridden) {
  const DeviceView devices[] = {
      Rxe(), Device("nic1", {Roce(1, {Gid(0, "10.1.0.1")}),
                             Roce(2, {Gid(0, "10.2.0.1"), Gid(1, "10.2.0.2")})})};
  VerbsOptions options;
  options.device = "nic1";
  EXPECT_EQ(ChoosePort(devices, options)->device, 1u);
  options.port = 2;
  EXPECT_EQ(ChoosePort(devices, options)->port, 2);
  options.gid_index = 1;
  EXPECT_EQ(AddressOf(ChoosePort(devices, options)->gid), "10.2.0.2");
  options.mtu_bytes = 512;
  EXPECT_EQ(ChoosePort(devices, options)->mtu, IBV_MTU_512);

  VerbsOptions by_address;
  by_address.address = "10.2.0.1";
  const auto found = ChoosePort(devices, by_address);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->device, 1u);
  EXPECT_EQ(found->port, 2);
}

TEST(VerbsChoosePort, SaysWhatIsMissing) {
  const DeviceView devices[] = {Rxe()};
  VerbsOptions options;
  options.device = "mlx5_0";
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kNotFound, {"mlx5_0", "rxe0"});
  options = {};
  options.port = 2;
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kNotFound, {"port 2", "rxe0"});
  options = {};
  options.gid_index = 7;
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kNotFound,
              {"rxe0 port 1", "no entry 7"});
  options = {};
  options.address = "192.168.0.1";
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kNotFound,
              {"rxe0 port 1", "192.168.0.1"});
  options = {};
  options.mtu_bytes = 4096;
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kFailedPrecondition,
              {"rxe0 port 1", "1024", "4096"});
}

TEST(VerbsChoosePort, SaysWhyNoPortWillDo) {
  const DeviceView devices[] = {
      Device("down0", {Down(Roce(1, {Gid(0, "10.0.0.1")}))}),
      Device("bare0", {Roce(1, {Gid(0, "fe80::1")})}),
      {"locked0", absl::PermissionDeniedError("opening locked0: Permission denied"), {}}};
  ExpectError(ChoosePort(devices, {}), absl::StatusCode::kPermissionDenied,
              {"down0 port 1", "is down", "ip link set", "bare0 port 1", "ip addr add", "locked0",
               "Permission denied"});
}

TEST(VerbsChoosePort, RefusesImpossibleOptions) {
  const DeviceView devices[] = {Rxe()};
  VerbsOptions options;
  options.mtu_bytes = 1500;
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kInvalidArgument, {"1500", "1024"});
  options = {};
  options.gid_index = 256;
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kInvalidArgument, {"256"});
  options = {};
  options.address = "10.0.0";
  ExpectError(ChoosePort(devices, options), absl::StatusCode::kInvalidArgument, {"'10.0.0'"});
}

}  // namespace
}  // namespace farpage::transport::verbs
