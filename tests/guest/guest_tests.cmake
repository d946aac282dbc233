# Tests that need an RDMA device. They run in one boot of the Soft-RoCE guest, which sees the build
# directory under its own path.

# farpage_add_guest_test(NAME name COMMAND program [argument…] [TIMEOUT seconds])
#
# The test passes if the command exits with 0 within TIMEOUT (120 s unless given; the guest is
# emulated, and some ten times slower than its host). `program` may be a target. Arguments may be
# generator expressions.
function(farpage_add_guest_test)
  if(NOT FARPAGE_TESTS)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 0 test "" "NAME;TIMEOUT" "COMMAND")
  if(NOT test_NAME OR NOT test_COMMAND OR test_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "farpage_add_guest_test needs NAME and COMMAND, nothing else but TIMEOUT")
  endif()
  if(NOT test_NAME MATCHES "^[A-Za-z0-9_./-]+$")
    message(FATAL_ERROR "guest test '${test_NAME}': a name is letters, digits and _ . / -")
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  list(POP_FRONT test_COMMAND program)
  if(TARGET ${program})
    set(words "'$<TARGET_FILE:${program}>'")
  else()
    set(words "'${program}'")
  endif()
  foreach(argument IN LISTS test_COMMAND)
    string(APPEND words " '${argument}'")
  endforeach()
  set_property(GLOBAL APPEND_STRING PROPERTY farpage_guest_tests
    "${test_NAME} ${test_TIMEOUT} ${words}\n")
endfunction()

# Writes what was added to <build>/guest-tests, one line per test: name, seconds, command as a shell
# reads it.
function(farpage_write_guest_tests)
  get_property(lines GLOBAL PROPERTY farpage_guest_tests)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/guest-tests CONTENT "${lines}")
endfunction()
