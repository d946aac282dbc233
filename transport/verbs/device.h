// An open device with its protection domain, and the port of it that is used.
#ifndef FARPAGE_TRANSPORT_VERBS_DEVICE_H_
#define FARPAGE_TRANSPORT_VERBS_DEVICE_H_

#include <infiniband/verbs.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/verbs/choose_port.h"
#include "transport/verbs/handles.h"
#include "transport/verbs/verbs_transport.h"

namespace farpage::transport::verbs {

// Shared by everything that is made from it, so that it is closed last. Immutable; any thread.
class Device {
 public:
  // Chooses by `options`. Raises the process's soft memlock limit to its hard one.
  // Errors as CreateVerbsTransport().
  static absl::StatusOr<std::shared_ptr<const Device>> Open(const VerbsOptions& options);

  ibv_context* context() const { return context_.get(); }
  ibv_pd* domain() const { return domain_.get(); }
  const ibv_device_attr& attributes() const { return attributes_; }
  const PortChoice& port() const { return port_; }
  std::string name() const { return ibv_get_device_name(context_->device); }

 private:
  Device(ContextHandle context, DomainHandle domain, const ibv_device_attr& attributes,
         const PortChoice& port);

  ContextHandle context_;
  DomainHandle domain_;
  ibv_device_attr attributes_;
  PortChoice port_;
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_DEVICE_H_
