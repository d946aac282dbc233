// How the runtime's threads wait in a simulation.
#ifndef FARPAGE_TESTS_SIMULATION_THREAD_OPERATIONS_H_
#define FARPAGE_TESTS_SIMULATION_THREAD_OPERATIONS_H_

namespace farpage::simulation {

// From now on, FutexWait(), FutexWakeAll() and YieldThread() of simulated threads happen in virtual
// time, and those of all other threads as before. Again does nothing.
void SimulateThreadOperations();

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_THREAD_OPERATIONS_H_
