#include "farpage/node.h"

#include <cstring>
#include <utility>

#include "runtime/bootstrap/options_table.h"
#include "runtime/node_impl.h"
#include "runtime/sync/atomic_words.h"
#include "runtime/sync/permits.h"
#include "runtime/sync/signal_flag.h"

namespace farpage {

Pinned& Pinned::operator=(Pinned&& other) noexcept {
  if (this != &other) {
    Release();
    node_ = std::exchange(other.node_, nullptr);
    data_ = other.data_;
    bytes_ = other.bytes_;
  }
  return *this;
}

void Pinned::Release() {
  if (node_ != nullptr) std::exchange(node_, nullptr)->Unpin(data_, bytes_);
}

absl::StatusOr<Node> Node::Join() {
  absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
  if (!options.ok()) return options.status();
  return Join(*options);
}

absl::StatusOr<Node> Node::Join(const Options& options) {
  absl::StatusOr<std::unique_ptr<internal::NodeImpl>> impl = internal::NodeImpl::Join(options);
  if (!impl.ok()) return impl.status();
  return Node(*std::move(impl));
}

Node::Node(std::unique_ptr<internal::NodeImpl> impl) : impl_(std::move(impl)) {}
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() = default;

uint32_t Node::id() const { return impl_->cluster().self().value(); }
uint32_t Node::size() const { return impl_->cluster().size(); }

absl::StatusOr<void*> Node::AllocateBytes(std::string_view name, size_t bytes,
                                          const AllocateOptions& options) {
  return impl_->Allocate(name, bytes, options);
}

absl::Status Node::Barrier() { return impl_->barrier().Wait(); }

absl::StatusOr<Mutex> Node::MakeMutex(std::string_view name) {
  absl::StatusOr<std::shared_ptr<internal::QueueLock>> lock = impl_->locks().Make(name);
  if (!lock.ok()) return lock.status();
  return Mutex(*std::move(lock));
}

absl::StatusOr<SharedMutex> Node::MakeSharedMutex(std::string_view name) {
  using internal::Permits;
  absl::StatusOr<std::shared_ptr<Permits>> permits = Permits::Create(
      impl_->cluster(), impl_->locks(), Permits::Kind::kSharedMutex, name, Permits::kAll);
  if (!permits.ok()) return permits.status();
  impl_->Keep(*permits);
  return SharedMutex(*std::move(permits));
}

absl::StatusOr<Semaphore> Node::MakeSemaphore(std::string_view name, uint64_t permits) {
  using internal::Permits;
  absl::StatusOr<std::shared_ptr<Permits>> made =
      Permits::Create(impl_->cluster(), impl_->locks(), Permits::Kind::kSemaphore, name, permits);
  if (!made.ok()) return made.status();
  impl_->Keep(*made);
  return Semaphore(*std::move(made));
}

absl::StatusOr<Flag> Node::MakeFlag(std::string_view name, uint32_t waiting_node) {
  absl::StatusOr<std::shared_ptr<internal::SignalFlag>> flag =
      internal::SignalFlag::Create(impl_->cluster(), name, waiting_node);
  if (!flag.ok()) return flag.status();
  impl_->Keep(*flag);
  return Flag(*std::move(flag));
}

absl::StatusOr<internal::AtomicWords> Node::MakeAtomicWords(std::string_view name, size_t count) {
  absl::StatusOr<std::shared_ptr<internal::AtomicWordsImpl>> words =
      internal::AtomicWordsImpl::Create(impl_->cluster(), name, count);
  if (!words.ok()) return words.status();
  impl_->Keep(*words);
  return internal::AtomicWords(*std::move(words));
}

absl::StatusOr<std::pmr::memory_resource*> Node::MakeMemoryResource(std::string_view name,
                                                                    size_t bytes) {
  return impl_->MakeMemoryResource(name, bytes);
}

absl::Status Node::Prefetch(const void* data, size_t bytes, Access access) {
  return impl_->Prefetch(data, bytes, access);
}

absl::StatusOr<Pinned> Node::Pin(const void* data, size_t bytes, Access access) {
  return impl_->Pin(data, bytes, access);
}

Statistics Node::statistics() const {
  return static_cast<const internal::NodeImpl&>(*impl_).counters().Snapshot();
}

absl::StatusOr<Statistics> Node::ClusterStatistics() {
  const Statistics own = statistics();
  absl::StatusOr<std::vector<std::string>> all = impl_->cluster().AllGather(
      "statistics", std::string(reinterpret_cast<const char*>(&own), sizeof own));
  if (!all.ok()) return all.status();
  Statistics sum;
  for (const std::string& bytes : *all) {
    Statistics one;
    if (bytes.size() != sizeof one) return absl::InternalError("statistics of another version");
    std::memcpy(&one, bytes.data(), sizeof one);
    sum += one;
  }
  return sum;
}

}  // namespace farpage
