// Functions compiled for several processors.
#ifndef FARPAGE_BENCH_APPS_FRAME_PROCESSORS_H_
#define FARPAGE_BENCH_APPS_FRAME_PROCESSORS_H_

// Before a function that computes: compiled for the oldest processor and for those with AVX2 and
// FMA; which is called is decided when the program is loaded. Sanitizers are not ready so early.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FARPAGE_FOR_PROCESSORS __attribute__((target_clones("arch=haswell", "default")))
#else
#define FARPAGE_FOR_PROCESSORS
#endif

#endif  // FARPAGE_BENCH_APPS_FRAME_PROCESSORS_H_
