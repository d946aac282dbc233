// Farpage: distributed shared memory. This header is all a program needs.
#ifndef FARPAGE_FARPAGE_H_
#define FARPAGE_FARPAGE_H_

#include "farpage/atomic_array.h"
#include "farpage/mutex.h"
#include "farpage/node.h"
#include "farpage/options.h"
#include "farpage/statistics.h"

#endif  // FARPAGE_FARPAGE_H_
