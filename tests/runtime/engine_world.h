// An engine alone: node 0 of four, with a region of 24 pages, four or so at a time at each home.
// The other nodes, the fabric, the page table and the clock are the test's.
#ifndef FARPAGE_TESTS_RUNTIME_ENGINE_WORLD_H_
#define FARPAGE_TESTS_RUNTIME_ENGINE_WORLD_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/cluster.h"
#include "runtime/counters.h"
#include "runtime/engine/engine.h"
#include "tests/runtime/fake_pager.h"
#include "tests/runtime/fake_transport.h"
#include "transport/local_rendezvous.h"

namespace farpage::testing {

class EngineWorld {
 public:
  static constexpr uint32_t kNodes = 4;
  static constexpr uint64_t kPages = 24;  // the cache holds 16 of other homes
  static constexpr int64_t kHoldNs = 100'000;

  struct Variant {
    bool as_shm = false;         // chains end at once, frames can be read in place
    bool home_in_place = false;  // the page table maps own frames
  };

  // Takes a region of `space`, of which a process has one.
  EngineWorld(internal::AddressSpace& space, Variant variant);

  internal::Engine& engine() { return *engine_; }
  FakeTransport& transport() { return transport_; }
  const FakePager& pager() const { return pager_; }
  internal::Region& region() { return *region_; }
  internal::PageId page(uint64_t index) const { return {region_->first_page.value + index}; }
  directory::State state(uint64_t page) const { return region_->records[page].state.state; }
  NodeId home(uint64_t page) const { return region_->homes.HomeOf(page); }

  // A local access that does not wait: what it started goes on.
  internal::AccessResult Touch(uint64_t page, Access access);
  // A pin that takes what is there, or fails as one that has waited to its deadline.
  internal::AccessResult Pin(uint64_t page, Access access);
  void Unpin(uint64_t page) { engine_->Unpin(*region_, page); }
  // A message as the named node's engine would send it.
  void Receive(NodeId from, directory::Input kind, uint64_t index,
               transport::RemoteAddress landing = {});
  // Ends the chain posted first and lets the engine see it.
  void EndChain(bool ok);
  // Time passes, and what is due is done.
  void Wait(int64_t ns);
  // From now on mapping a page, or making it writable, takes so long.
  void MappingTakes(int64_t ns);
  // Who is in the page's directory entry.
  void SetHolder(uint64_t page, NodeId holder);
  void SetSharers(uint64_t page, uint64_t bits);

  // Lets all come to rest as it may between nodes that keep to the protocol, then takes every page
  // away. Stops the process if something stays behind: a page in transition, a mapping, a slot.
  void ComeToRest();

 private:
  class TestClock final : public internal::Clock {
   public:
    int64_t NowNs() const override { return now_ns; }
    int64_t now_ns = 1'000'000'000;
  };

  uint64_t* Entry(uint64_t page);
  void Settle(uint64_t index);
  void ForgoAcks();

  internal::AddressSpace& space_;
  transport::LocalCluster alone_{1};
  FakeTransport transport_;
  internal::Counters counters_;
  TestClock clock_;
  internal::Fabric fabric_;
  internal::Cluster cluster_;
  internal::Region* region_;
  FakePager pager_;
  std::unique_ptr<internal::Engine> engine_;
};

}  // namespace farpage::testing

#endif  // FARPAGE_TESTS_RUNTIME_ENGINE_WORLD_H_
