// Collects operations to a page's home, which go out as one chain.
#ifndef FARPAGE_RUNTIME_ENGINE_CHAIN_BUILDER_H_
#define FARPAGE_RUNTIME_ENGINE_CHAIN_BUILDER_H_

#include <array>
#include <cstddef>
#include <span>

#include "runtime/engine/engine.h"

namespace farpage::internal {

// Room for what one step of the protocol posts: at most a write and four atomics.
class Engine::ChainBuilder {
 public:
  void Append(const transport::Operation& operation) { operations_[count_++] = operation; }
  std::span<const transport::Operation> operations() const { return {operations_.data(), count_}; }
  bool empty() const { return count_ == 0; }
  void clear() { count_ = 0; }

 private:
  std::array<transport::Operation, 6> operations_;
  size_t count_ = 0;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_CHAIN_BUILDER_H_
