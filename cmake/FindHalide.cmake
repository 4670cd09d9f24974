# Finds Halide inside its PyPI package (the package's own CMake configuration wants a newer CMake than Debian 12 has).
# Looks in HALIDE_ROOT, then in the virtual environment that scripts/setup makes. Defines the imported target Halide::Halide.
file(GLOB Halide_CANDIDATES "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/halide")
find_path(Halide_INCLUDE_DIR Halide.h HINTS ${HALIDE_ROOT} ${Halide_CANDIDATES} PATH_SUFFIXES include)
find_library(Halide_LIBRARY Halide HINTS ${HALIDE_ROOT} ${Halide_CANDIDATES} PATH_SUFFIXES lib64 lib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Halide REQUIRED_VARS Halide_LIBRARY Halide_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run scripts/setup, or point HALIDE_ROOT at the folder `halide` of the Python package")
if(Halide_FOUND AND NOT TARGET Halide::Halide)
  add_library(Halide::Halide SHARED IMPORTED)
  set_target_properties(Halide::Halide PROPERTIES IMPORTED_LOCATION "${Halide_LIBRARY}")
  target_include_directories(Halide::Halide SYSTEM INTERFACE "${Halide_INCLUDE_DIR}")
endif()
mark_as_advanced(Halide_INCLUDE_DIR Halide_LIBRARY)
