// Which of the compilers' sanitizers this is built with.
#ifndef FARPAGE_TRANSPORT_SANITIZERS_H_
#define FARPAGE_TRANSPORT_SANITIZERS_H_

#if defined(__SANITIZE_ADDRESS__)  // g++
#define FARPAGE_ADDRESS_SANITIZER 1
#elif defined(__has_feature)  // clang++
#if __has_feature(address_sanitizer)
#define FARPAGE_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(__SANITIZE_THREAD__)
#define FARPAGE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FARPAGE_THREAD_SANITIZER 1
#endif
#endif

#if defined(FARPAGE_ADDRESS_SANITIZER) || defined(FARPAGE_THREAD_SANITIZER)
#define FARPAGE_SANITIZED 1
#endif

#endif  // FARPAGE_TRANSPORT_SANITIZERS_H_
