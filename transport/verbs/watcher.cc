#include "transport/verbs/watcher.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "transport/verbs/errors.h"

namespace farpage::transport::verbs {
namespace {

// What epoll returns for descriptors that are not lifelines of peers 0 … kMaxNodes − 1.
constexpr uint32_t kBell = kMaxNodes;
constexpr uint32_t kDevice = kMaxNodes + 1;

constexpr int kReapBatches = 1000;

}  // namespace

Watcher::Watcher(const World& world)
    : world_(world), epoll_(::epoll_create1(EPOLL_CLOEXEC)), progress_(world.peers->count()) {}

absl::StatusOr<std::unique_ptr<Watcher>> Watcher::Start(const World& world) {
  std::unique_ptr<Watcher> watcher(new Watcher(world));
  if (watcher->epoll_.get() < 0) return SetUpError("epoll_create1", errno);
  const auto add = [&](int fd, uint32_t what) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = what;
    return fd < 0 || ::epoll_ctl(watcher->epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  };
  bool added = add(world.wakeups->watcher_fd(), kBell) && add(world.device->async_fd, kDevice);
  for (uint32_t i = 0; i < world.peers->count(); ++i) {
    added = added && add(world.lifelines->fd(NodeId(i)), i);
  }
  if (!added) return SetUpError("epoll_ctl", errno);

  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  absl::Status started;
  try {
    watcher->thread_ = std::thread([w = watcher.get()] { w->Run(); });
  } catch (const std::system_error& error) {
    started = SetUpError("starting a thread", error.code().value());
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started.ok()) return started;
  return watcher;
}

Watcher::~Watcher() {
  stop_.store(true, std::memory_order_release);
  world_.wakeups->WakeWatcher();
  if (thread_.joinable()) thread_.join();
}

int Watcher::Timeout() const {
  if (world_.inboxes->owing()) return kDebtTickMs;
  const bool busy = std::any_of(progress_.begin(), progress_.end(), [](const Progress& peer) {
    return peer.stage == Stage::kJudging || peer.stage == Stage::kFlushing;
  });
  return busy ? kTickMs : -1;
}

void Watcher::Run() {
  ::pthread_setname_np(::pthread_self(), "farpage-verbs");
  std::array<epoll_event, 64> events;
  while (!stop_.load(std::memory_order_acquire)) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), Timeout());
    for (int i = 0; i < count; ++i) {
      const uint32_t what = events[static_cast<size_t>(i)].data.u32;
      if (what == kBell)
        Wakeups::Silence(world_.wakeups->watcher_fd());
      else if (what == kDevice)
        TakeDeviceEvents();
      else
        LookAtLifeline(NodeId(what));
    }
    for (uint32_t i = 0; i < world_.peers->count(); ++i) {
      if (!world_.peers->up(NodeId(i))) CleanUp(NodeId(i));
    }
    world_.inboxes->PayCredits();
  }
}

void Watcher::LookAtLifeline(NodeId peer) {
  if (world_.lifelines->fd(peer) < 0) return;
  switch (world_.lifelines->Look(peer)) {
    case LifelineEnd::kNone:
      return;
    case LifelineEnd::kDied:
      return world_.peers->Fail(peer, PeerState::kDied);
    case LifelineEnd::kLost:
      return world_.peers->Fail(peer, PeerState::kLost);
    case LifelineEnd::kLeft:
      return world_.peers->Fail(peer, PeerState::kLeft);
    case LifelineEnd::kGaveUp:
      return world_.peers->Fail(peer, PeerState::kGaveUp);
  }
}

void Watcher::FailAll(ibv_event_type why) {
  for (uint32_t i = 0; i < world_.peers->count(); ++i) {
    world_.peers->Fail(NodeId(i), PeerState::kDevice, why);
  }
}

void Watcher::TakeDeviceEvents() {
  ibv_async_event event;
  while (ibv_get_async_event(world_.device, &event) == 0) {
    switch (event.event_type) {
      case IBV_EVENT_QP_FATAL:
      case IBV_EVENT_QP_REQ_ERR:
      case IBV_EVENT_QP_ACCESS_ERR:
        for (uint32_t i = 0; i < world_.peers->count(); ++i) {
          if (world_.pairs[i].get() != event.element.qp) continue;
          world_.peers->Fail(NodeId(i), PeerState::kDevice, event.event_type);
        }
        break;
      case IBV_EVENT_CQ_ERR:
      case IBV_EVENT_DEVICE_FATAL:
        FailAll(event.event_type);
        break;
      // A port may come back before retries run out, so it fails nobody by itself.
      case IBV_EVENT_PORT_ERR:
        world_.peers->set_port_down(true);
        break;
      case IBV_EVENT_PORT_ACTIVE:
        world_.peers->set_port_down(false);
        break;
      default:
        break;
    }
    ibv_ack_async_event(&event);
  }
  if (errno == EAGAIN || errno == EINTR) return;
  // The device is gone, and its descriptor would be readable for ever.
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, world_.device->async_fd, nullptr);
  FailAll(IBV_EVENT_DEVICE_FATAL);
}

void Watcher::CleanUp(NodeId peer) {
  Progress& progress = progress_[peer.value()];
  if (progress.stage == Stage::kDone) return;
  if (progress.stage == Stage::kUp) {
    world_.pairs[peer.value()].Break();
    progress = {Stage::kJudging, NowNs()};
  }
  if (progress.stage == Stage::kJudging) {
    // Known by now, or explained by the lifeline in a moment.
    const bool broken = world_.peers->state(peer) == PeerState::kBroken;
    if (broken && NowNs() < progress.failed_ns + kJudgementNs) return;
    world_.completions->Judge(*world_.send_queues[peer.value()], !broken);
    world_.lifelines->GiveUp(peer);
    progress.stage = Stage::kFlushing;
  }
  Flush(peer);
}

void Watcher::Flush(NodeId peer) {
  SendQueue& send_queue = *world_.send_queues[peer.value()];
  // Those who wait for these chains may not poll, but wait for events.
  for (int batch = 0; batch < kReapBatches && world_.completions->Reap(); ++batch) {
  }
  Progress& progress = progress_[peer.value()];
  if (send_queue.Idle()) {
    progress.stage = Stage::kDone;
  } else if (NowNs() >= progress.failed_ns + kFlushNs) {
    world_.completions->Abandon(send_queue);
    progress.stage = Stage::kDone;
  }
  world_.wakeups->WakeAgent();
}

}  // namespace farpage::transport::verbs
