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

# The same problems with OpenMP, where the compiler has it.
find_package(OpenMP QUIET COMPONENTS CXX)
if(OpenMP_CXX_FOUND)
  foreach(application bfs gups kronecker_pagerank kv nbody)
    add_executable(${application}_openmp ${application}_openmp.cc)
    target_link_libraries(${application}_openmp PRIVATE farpage_app_irregular OpenMP::OpenMP_CXX)
  endforeach()
endif()

# And with MPI, where it is installed.
find_package(MPI QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND)
  add_library(farpage_app_mpi STATIC frame/mpi_program.cc)
  target_link_libraries(farpage_app_mpi PUBLIC farpage_app_frame MPI::MPI_CXX)
  foreach(application gups)
    add_executable(${application}_mpi ${application}_mpi.cc)
    target_link_libraries(${application}_mpi PRIVATE farpage_app_irregular farpage_app_mpi)
  endforeach()
endif()
