#include "transport/verbs/device.h"

#include <sys/resource.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

struct Opened {
  ContextHandle context;
  ibv_device_attr attributes{};
};

absl::Status Inspect(ibv_device* device, Opened& opened, DeviceView& view) {
  opened.context.reset(ibv_open_device(device));
  if (!opened.context) return OpenError(view.name, errno);
  ibv_context* const context = opened.context.get();
  if (const int error = ibv_query_device(context, &opened.attributes); error != 0) {
    return SetUpError("ibv_query_device", error);
  }
  if (opened.attributes.atomic_cap == IBV_ATOMIC_NONE) {
    return absl::FailedPreconditionError("has no atomic operations, which are needed");
  }
  size_t gids = 0;
  for (int number = 1; number <= opened.attributes.phys_port_cnt; ++number) {
    PortView port;
    port.number = static_cast<uint8_t>(number);
    if (const int error = ibv_query_port(context, port.number, &port.attributes); error != 0) {
      return SetUpError("ibv_query_port", error);
    }
    gids += static_cast<size_t>(port.attributes.gid_tbl_len);
    view.ports.push_back(std::move(port));
  }
  // Valid entries only, of all ports, in one call.
  std::vector<ibv_gid_entry> entries(gids);
  const ssize_t valid = ibv_query_gid_table(context, entries.data(), entries.size(), 0);
  if (valid < 0) return SetUpError("ibv_query_gid_table", static_cast<int>(-valid));
  entries.resize(static_cast<size_t>(valid));
  for (const ibv_gid_entry& entry : entries) {
    if (entry.gid_index <= UINT8_MAX) view.ports[entry.port_num - 1].gids.push_back(entry);
  }
  return absl::OkStatus();
}

void RaiseMemlockLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_MEMLOCK, &limit);  // if not, registration says so
}

}  // namespace

Device::Device(ContextHandle context, DomainHandle domain, const ibv_device_attr& attributes,
               const PortChoice& port)
    : context_(std::move(context)),
      domain_(std::move(domain)),
      attributes_(attributes),
      port_(port) {}

absl::StatusOr<std::shared_ptr<const Device>> Device::Open(const VerbsOptions& options) {
  RaiseMemlockLimit();
  int count = 0;
  const std::unique_ptr<ibv_device*, Destroyer<ibv_free_device_list>> list(
      ibv_get_device_list(&count));
  if (!list || count == 0) return NoDeviceError();

  std::vector<Opened> opened(static_cast<size_t>(count));
  std::vector<DeviceView> views(opened.size());
  for (size_t i = 0; i < opened.size(); ++i) {
    ibv_device* const device = list.get()[i];
    views[i].name = ibv_get_device_name(device);
    if (!options.device.empty() && views[i].name != options.device) continue;
    views[i].usable = Inspect(device, opened[i], views[i]);
  }
  const absl::StatusOr<PortChoice> port = ChoosePort(views, options);
  if (!port.ok()) return port.status();

  Opened& chosen = opened[port->device];
  DomainHandle domain(ibv_alloc_pd(chosen.context.get()));
  if (!domain) return SetUpError("ibv_alloc_pd", errno);
  return std::shared_ptr<const Device>(
      new Device(std::move(chosen.context), std::move(domain), chosen.attributes, *port));
}

}  // namespace farpage::transport::verbs
