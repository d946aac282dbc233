#include "transport/verbs/work_requests.h"

#include <arpa/inet.h>

#include <cstring>

#include "transport/verbs/control_memory.h"

namespace farpage::transport::verbs {

WorkRequests::WorkRequests(const SmallData& small) : small_(small) {
  for (uint32_t i = 0; i < kCapacity; ++i) {
    requests_[i].sg_list = &pieces_[i];
    requests_[i].next = i + 1 < kCapacity ? &requests_[i + 1] : nullptr;
  }
}

ibv_send_wr& WorkRequests::Next(ibv_wr_opcode opcode, uint64_t id, RemoteAddress to, bool fence) {
  ibv_send_wr& request = requests_[count_++];
  request.wr_id = id;
  request.opcode = opcode;
  request.send_flags = fence ? IBV_SEND_FENCE : 0;
  request.num_sge = 1;
  request.wr.rdma.remote_addr = to.address;
  request.wr.rdma.rkey = to.key.value;
  return request;
}

void WorkRequests::PutSmall(ibv_send_wr& request, const void* data, uint32_t bytes) {
  ibv_sge& piece = *request.sg_list;
  piece.length = bytes;
  if (bytes <= small_.inline_bytes) {
    request.send_flags |= IBV_SEND_INLINE;
    piece.addr = reinterpret_cast<uint64_t>(data);
    return;
  }
  std::byte* const line = small_.scratch + (request.wr_id & small_.scratch_mask) * kLineBytes;
  std::memcpy(line, data, bytes);
  piece.addr = reinterpret_cast<uint64_t>(line);
  piece.lkey = small_.scratch_key.value;
}

void WorkRequests::PutData(ibv_send_wr& request, const Operation& operation, const void* small,
                           uint32_t from, uint32_t bytes) {
  if (small != nullptr) return PutSmall(request, small, bytes);
  *request.sg_list = {reinterpret_cast<uint64_t>(operation.local) + from, bytes,
                      operation.local_key.value};
}

void WorkRequests::Add(const Operation& operation, const void* small, uint32_t from, uint32_t bytes,
                       uint64_t id, bool fence) {
  switch (operation.code) {
    case OpCode::kRead: {
      ibv_send_wr& request = Next(IBV_WR_RDMA_READ, id, operation.remote + from, fence);
      // Devices take a piece of length 0 for one of 2 GiB.
      request.num_sge = bytes == 0 ? 0 : 1;
      *request.sg_list = {reinterpret_cast<uint64_t>(operation.local) + from, bytes,
                          operation.local_key.value};
      return;
    }
    case OpCode::kWrite:
    case OpCode::kWriteWithImmediate: {
      ibv_send_wr& request = Next(IBV_WR_RDMA_WRITE, id, operation.remote + from, fence);
      request.num_sge = bytes == 0 ? 0 : 1;
      if (bytes != 0) PutData(request, operation, small, from, bytes);
      return;
    }
    case OpCode::kCompareAndSwap:
    case OpCode::kFetchAndAdd: {
      const bool swap = operation.code == OpCode::kCompareAndSwap;
      ibv_send_wr& request = Next(swap ? IBV_WR_ATOMIC_CMP_AND_SWP : IBV_WR_ATOMIC_FETCH_AND_ADD,
                                  id, operation.remote, fence);
      request.wr.atomic.remote_addr = operation.remote.address;
      request.wr.atomic.rkey = operation.remote.key.value;
      request.wr.atomic.compare_add = swap ? operation.compare : operation.operand;
      request.wr.atomic.swap = swap ? operation.operand : 0;
      const bool wanted = operation.local != nullptr;
      *request.sg_list = {reinterpret_cast<uint64_t>(wanted ? operation.local : small_.dump),
                          sizeof(uint64_t),
                          wanted ? operation.local_key.value : small_.scratch_key.value};
      return;
    }
  }
}

void WorkRequests::AddWithImmediate(const Operation& operation, const void* small, uint64_t id,
                                    bool fence) {
  ibv_send_wr& request = Next(IBV_WR_RDMA_WRITE_WITH_IMM, id, operation.remote, fence);
  request.imm_data = htonl(static_cast<uint32_t>(Immediate::kWordChanged));
  PutData(request, operation, small, 0, sizeof(uint64_t));
}

void WorkRequests::AddWrite(const void* small, uint32_t bytes, RemoteAddress to, uint64_t id) {
  PutSmall(Next(IBV_WR_RDMA_WRITE, id, to, false), small, bytes);
}

void WorkRequests::AddMessage(const Message& message, RemoteAddress slot, uint64_t id) {
  ibv_send_wr& request = Next(IBV_WR_RDMA_WRITE_WITH_IMM, id, slot, false);
  request.imm_data = htonl(static_cast<uint32_t>(Immediate::kMessage));
  PutSmall(request, message.bytes.data(), kMessageBytes);
}

uint32_t WorkRequests::Post(ibv_qp* pair, bool signal, int* error) {
  const uint32_t count = count_;
  ibv_send_wr& last = requests_[count - 1];
  ibv_send_wr* const next = last.next;
  last.next = nullptr;
  if (signal) last.send_flags |= IBV_SEND_SIGNALED;
  ibv_send_wr* refused = nullptr;
  *error = ibv_post_send(pair, requests_.data(), &refused);
  last.next = next;
  count_ = 0;
  if (*error == 0) return count;
  return refused == nullptr ? 0 : static_cast<uint32_t>(refused - requests_.data());
}

}  // namespace farpage::transport::verbs
