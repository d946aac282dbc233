# What is installed: one static library, the public headers, the program, and what find_package and
# pkg-config need.
include(CMakePackageConfigHelpers)

# All libraries of this project that `target` needs, itself first, and all others that those need.
function(farpage_link_closure target out_layers out_externals)
  set(layers "")
  set(externals "")
  set(pending ${target})
  while(pending)
    list(POP_FRONT pending item)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" item "${item}")
    if(item MATCHES "^farpage_" AND TARGET ${item})
      if(NOT item IN_LIST layers)
        set(needed "")
        get_target_property(type ${item} TYPE)
        if(NOT type STREQUAL "INTERFACE_LIBRARY")
          list(APPEND layers ${item})
          get_target_property(needed ${item} LINK_LIBRARIES)
        endif()
        get_target_property(interface ${item} INTERFACE_LINK_LIBRARIES)
        list(APPEND pending ${needed} ${interface})
        list(FILTER pending EXCLUDE REGEX "-NOTFOUND$")
      endif()
    else()
      list(APPEND externals ${item})
    endif()
  endwhile()
  list(REMOVE_DUPLICATES externals)
  set(${out_layers} ${layers} PARENT_SCOPE)
  set(${out_externals} ${externals} PARENT_SCOPE)
endfunction()

farpage_link_closure(farpage_runtime layers externals)
list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)

add_library(farpage STATIC ${objects})
add_library(farpage::farpage ALIAS farpage)
set_target_properties(farpage PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(farpage PUBLIC cxx_std_20)
target_include_directories(farpage PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/runtime/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(farpage
  PUBLIC absl::status absl::statusor
  PRIVATE ${externals})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/farpage)
install(TARGETS farpage EXPORT farpage-targets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/runtime/include/ TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(EXPORT farpage-targets NAMESPACE farpage:: DESTINATION ${package_dir})
if(TARGET farpage_cli)
  install(TARGETS farpage_cli)
endif()

configure_package_config_file(runtime/package/farpage-config.cmake.in
  ${PROJECT_BINARY_DIR}/package/farpage-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/farpage-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/package/farpage-config.cmake
  ${PROJECT_BINARY_DIR}/package/farpage-config-version.cmake
  DESTINATION ${package_dir})

# The library is static only, so all it needs is named in Requires, not Requires.private.
set(pc_requires ${externals})
list(FILTER pc_requires INCLUDE REGEX "^absl::")
list(TRANSFORM pc_requires REPLACE "^absl::" "absl_")
list(APPEND pc_requires libibverbs librdmacm)
list(JOIN pc_requires " " pc_requires)
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /.)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(runtime/package/farpage.pc.in ${PROJECT_BINARY_DIR}/package/farpage.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/package/farpage.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
