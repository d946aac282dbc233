// Farpage: distributed shared memory. This header is all a program needs.
#ifndef FARPAGE_FARPAGE_H_
#define FARPAGE_FARPAGE_H_

#include "farpage/atomic_array.h"
#include "farpage/flag.h"
#include "farpage/mutex.h"
#include "farpage/node.h"
#include "farpage/options.h"
#include "farpage/semaphore.h"
#include "farpage/shared_mutex.h"
#include "farpage/statistics.h"

#endif  // FARPAGE_FARPAGE_H_
