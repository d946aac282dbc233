# The irregular applications: random access, graphs, particles, a key-value store.
add_library(farpage_app_irregular STATIC
  problems/bfs.cc
  problems/breadth_first.cc
  problems/graph_problem.cc
  problems/gups.cc
  problems/hash_table.cc
  problems/kronecker.cc
  problems/kronecker_pagerank.cc
  problems/kv.cc
  problems/nbody.cc
  problems/particles.cc
  problems/random_access.cc
  problems/ycsb.cc)
target_link_libraries(farpage_app_irregular PUBLIC farpage_apps farpage_app_frame)
target_compile_options(farpage_app_irregular PRIVATE $<$<CONFIG:Release>:-O3>)

foreach(application bfs gups gups_locked kronecker_pagerank kv nbody)
  add_executable(${application} ${application}.cc)
  target_link_libraries(${application} PRIVATE farpage_app_irregular)
endforeach()
