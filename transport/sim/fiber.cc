#include "transport/sim/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "transport/sanitizers.h"

#if defined(FARPAGE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(FARPAGE_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

// Switching with swapcontext() costs two system calls. Where the processor is known, the registers
// that a call preserves are pushed and the stack pointer is exchanged; that is all.
#if defined(__x86_64__)
#define FARPAGE_OWN_SWITCH 1
extern "C" {
void FarpageSwitchStack(void** save, void* load);
void FarpageEnterFiber();  // calls what %r12 points to with what %rbx has
}
asm(R"(
.text
.globl FarpageSwitchStack
.hidden FarpageSwitchStack
.type FarpageSwitchStack, @function
FarpageSwitchStack:
  .cfi_startproc
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .cfi_endproc
.size FarpageSwitchStack, .-FarpageSwitchStack
.globl FarpageEnterFiber
.hidden FarpageEnterFiber
.type FarpageEnterFiber, @function
FarpageEnterFiber:
  .cfi_startproc
  .cfi_undefined rip
  movq %rbx, %rdi
  call *%r12
  ud2
  .cfi_endproc
.size FarpageEnterFiber, .-FarpageEnterFiber
)");
#endif

namespace farpage::transport::sim {
namespace {

constexpr size_t kPage = 4096;
#if defined(FARPAGE_ADDRESS_SANITIZER) || defined(FARPAGE_THREAD_SANITIZER)
constexpr size_t kStackBytes = size_t{1} << 20;
#else
constexpr size_t kStackBytes = size_t{256} << 10;
#endif

std::vector<std::byte*>& SpareStacks() {
  static thread_local std::vector<std::byte*> spare;
  return spare;
}

}  // namespace

FiberStack::FiberStack() {
  std::vector<std::byte*>& spare = SpareStacks();
  if (!spare.empty()) {
    base_ = spare.back();
    spare.pop_back();
    return;
  }
  void* memory = mmap(nullptr, kPage + kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kPage, PROT_NONE) != 0) {
    std::fprintf(stderr, "no memory for the stack of one more simulated thread\n");
    std::abort();
  }
  base_ = static_cast<std::byte*>(memory) + kPage;
}

FiberStack::~FiberStack() {
#if defined(FARPAGE_ADDRESS_SANITIZER)
  // A fiber is left in the midst of its calls: what the sanitizer forbids around their variables
  // would be forbidden to the next fiber.
  ASAN_UNPOISON_MEMORY_REGION(base_, kStackBytes);
#endif
  SpareStacks().push_back(base_);
}

size_t FiberStack::bytes() { return kStackBytes; }

struct FiberContext::Machine {
#if defined(FARPAGE_OWN_SWITCH)
  void* stack_pointer = nullptr;
#else
  ucontext_t context{};
#endif
#if defined(FARPAGE_ADDRESS_SANITIZER)
  void* fake_stack = nullptr;
  const void* stack_bottom = nullptr;  // of a thread: known once it has been left
  size_t stack_bytes = 0;
  FiberContext* came_from = nullptr;
#endif
#if defined(FARPAGE_THREAD_SANITIZER)
  void* sanitizer_fiber = nullptr;
  bool owns_fiber = false;
#endif
};

FiberContext::FiberContext() : machine_(new Machine) {
#if defined(FARPAGE_THREAD_SANITIZER)
  machine_->sanitizer_fiber = __tsan_get_current_fiber();
#endif
}

FiberContext::FiberContext(const FiberStack& stack, std::function<void()> body)
    : machine_(new Machine), body_(std::move(body)) {
#if defined(FARPAGE_OWN_SWITCH)
  // What FarpageSwitchStack() pops: six registers, two of which FarpageEnterFiber() wants, and its
  // address as the one to return to.
  auto* top = reinterpret_cast<uintptr_t*>(stack.base() + FiberStack::bytes());
  top -= 2;  // keeps the stack aligned where the entry function is called
  *--top = reinterpret_cast<uintptr_t>(&FarpageEnterFiber);
  *--top = 0;                                    // %rbp
  *--top = reinterpret_cast<uintptr_t>(this);    // %rbx
  *--top = reinterpret_cast<uintptr_t>(&Enter);  // %r12
  for (int index = 0; index < 3; ++index) *--top = 0;
  machine_->stack_pointer = top;
#else
  getcontext(&machine_->context);
  machine_->context.uc_stack.ss_sp = stack.base();
  machine_->context.uc_stack.ss_size = FiberStack::bytes();
  machine_->context.uc_link = nullptr;
  const auto address = reinterpret_cast<uintptr_t>(this);
  makecontext(&machine_->context, reinterpret_cast<void (*)()>(+[](unsigned low, unsigned high) {
    Enter(reinterpret_cast<FiberContext*>(uintptr_t{high} << 32 | low));
  }),
              2, static_cast<unsigned>(address), static_cast<unsigned>(address >> 32));
#endif
#if defined(FARPAGE_ADDRESS_SANITIZER)
  machine_->stack_bottom = stack.base();
  machine_->stack_bytes = FiberStack::bytes();
#endif
#if defined(FARPAGE_THREAD_SANITIZER)
  machine_->sanitizer_fiber = __tsan_create_fiber(0);
  machine_->owns_fiber = true;
#endif
}

FiberContext::~FiberContext() {
#if defined(FARPAGE_THREAD_SANITIZER)
  if (machine_->owns_fiber) __tsan_destroy_fiber(machine_->sanitizer_fiber);
#endif
  delete machine_;
}

void FiberContext::Enter(FiberContext* self) {
  self->Arrived();
  self->body_();
  std::fprintf(stderr, "a simulated thread returned from its end\n");
  std::abort();
}

void FiberContext::Arrived() {
#if defined(FARPAGE_ADDRESS_SANITIZER)
  Machine& from = *machine_->came_from->machine_;
  __sanitizer_finish_switch_fiber(machine_->fake_stack, &from.stack_bottom, &from.stack_bytes);
#endif
}

void FiberContext::SwitchTo(FiberContext& next, bool leaving) {
#if defined(FARPAGE_ADDRESS_SANITIZER)
  next.machine_->came_from = this;
  __sanitizer_start_switch_fiber(leaving ? nullptr : &machine_->fake_stack,
                                 next.machine_->stack_bottom, next.machine_->stack_bytes);
#else
  static_cast<void>(leaving);
#endif
#if defined(FARPAGE_THREAD_SANITIZER)
  __tsan_switch_to_fiber(next.machine_->sanitizer_fiber, 0);
#endif
#if defined(FARPAGE_OWN_SWITCH)
  FarpageSwitchStack(&machine_->stack_pointer, next.machine_->stack_pointer);
#else
  swapcontext(&machine_->context, &next.machine_->context);
#endif
  Arrived();
}

}  // namespace farpage::transport::sim
