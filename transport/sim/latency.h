// How long things take, after LogGP (Alexandrov, Ionescu, Schauser and Scheiman, SPAA 1995).
#ifndef FARPAGE_TRANSPORT_SIM_LATENCY_H_
#define FARPAGE_TRANSPORT_SIM_LATENCY_H_

#include <cstdint>

namespace farpage::transport::sim {

struct Latency {
  int64_t wire_ns = 800;      // L: from one node's NIC to another's
  int64_t overhead_ns = 100;  // o: a processor's part in posting a chain or a message
  int64_t receive_ns = 100;   // o: and in taking a message
  int64_t gap_ns = 10;        // g: between two operations at one NIC
  int64_t byte_ps = 80;       // G: picoseconds per byte
  int64_t read_ns = 0;        // what a NIC takes longer to answer a read than another operation
  int64_t poll_ns = 20;       // a look for completions or messages that finds nothing
  int64_t clock_ns = 20;      // a look at the clock
  int64_t arm_ns = 0;         // asking for an event, before a sleep, takes a processor so long
  int64_t wake_ns = 2'000;    // from the event until the thread that sleeps runs
  int64_t event_ns = 0;       // what the thread does then, before it looks for what has come
  int64_t own_node_ns = 300;  // L where a node's NIC talks to itself
};

// A NIC of 100 Gb/s and one switch: some 1.8 µs for a read of 8 bytes.
constexpr Latency NicLatency() { return {}; }

// Soft-RoCE in the emulated guest that the tests run in, one device, MTU 1024.
constexpr Latency SoftRoceLatency() {
  return {.wire_ns = 10'000,
          .overhead_ns = 1'000,
          .receive_ns = 1'000,
          .gap_ns = 10'000,
          .byte_ps = 20'000,
          .poll_ns = 500,
          .clock_ns = 300,
          .wake_ns = 20'000,
          .own_node_ns = 10'000};
}

}  // namespace farpage::transport::sim

#endif  // FARPAGE_TRANSPORT_SIM_LATENCY_H_
