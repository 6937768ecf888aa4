# Build rules shared by every folder: one flag list per compiler, and functions that declare
# libraries, unit tests and fuzz targets. A folder's CMakeLists.txt only names files and what it may link.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # POSIX and __int128; the sources stay within -Wpedantic
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()

option(GH_WERROR "Warnings are errors" OFF)
option(GH_TESTS "Build the tests" ON)
option(GH_FUZZ "Build fuzz targets with libFuzzer (clang)" OFF)
set(GH_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined")

find_package(Threads REQUIRED)

set(GH_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual
    -Wwrite-strings -Wformat=2 -Wnull-dereference -Wvla -Wimplicit-fallthrough -Wdouble-promotion
    -Wredundant-decls)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND GH_WARNINGS -Warith-conversion -Wcast-align=strict -Wformat-signedness
        -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
else()
    # clang counts the ## and empty __VA_ARGS__ forms that gcc accepts under -Wpedantic
    list(APPEND GH_WARNINGS -Wno-gnu-zero-variadic-macro-arguments)
endif()
if(GH_WERROR)
    list(APPEND GH_WARNINGS -Werror)
endif()

add_library(gh_flags INTERFACE)
target_compile_options(gh_flags INTERFACE ${GH_WARNINGS} -fno-common -fstack-protector-strong)
target_include_directories(gh_flags INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/gen")
target_compile_definitions(gh_flags INTERFACE _GNU_SOURCE)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT GH_SANITIZE)
    target_compile_options(gh_flags INTERFACE -O2 -g1 -fstack-clash-protection -fcf-protection
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    target_link_options(gh_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
# CHECK stays on in every build; assert would be compiled out by NDEBUG, so it is not used.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-O3" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
if(GH_SANITIZE)
    target_compile_options(gh_flags INTERFACE -O1 -g -fsanitize=${GH_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(gh_flags INTERFACE -fsanitize=${GH_SANITIZE})
endif()
if(GH_FUZZ)
    target_compile_options(gh_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# gh_folder(path): add the folder if it has a build file.
function(gh_folder path)
    if(EXISTS "${CMAKE_SOURCE_DIR}/${path}/CMakeLists.txt")
        add_subdirectory("${CMAKE_SOURCE_DIR}/${path}" "${CMAKE_BINARY_DIR}/${path}")
    endif()
endfunction()

# gh_library(name SOURCES a.c b.c LINK other_libs...)
function(gh_library name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES})
    target_link_libraries(${name} PUBLIC gh_flags ${A_LINK})
endfunction()

# gh_executable(name SOURCES ... LINK ...): lands in the top of the build folder.
function(gh_executable name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE gh_flags ${A_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()

# gh_unit_test(test_name SOURCES ... LINK ... [LABEL unit|vector|...] [TIMEOUT s]): a cmocka program.
# Tests run in the source root; GH_SHARED names the folder with the recorded L1 and the vectors.
function(gh_unit_test name)
    cmake_parse_arguments(A "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
    if(NOT A_LABEL)
        set(A_LABEL unit)
    endif()
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 120)
    endif()
    add_executable(${name} ${A_SOURCES})
    target_link_libraries(${name} PRIVATE gh_flags ${A_LINK} cmocka)
    add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    set_tests_properties(${name} PROPERTIES LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT}
        SKIP_RETURN_CODE 77 ENVIRONMENT "GH_SHARED=${CMAKE_SOURCE_DIR}/../shared")
endfunction()

# gh_fuzz_target(fuzz_name SOURCES ... LINK ...): with GH_FUZZ a libFuzzer program, otherwise a
# program that replays files; ctest replays tests/fuzz/corpora/<name without fuzz_>.
function(gh_fuzz_target name)
    cmake_parse_arguments(A "" "" "SOURCES;LINK" ${ARGN})
    string(REGEX REPLACE "^fuzz_" "" corpus ${name})
    if(GH_FUZZ)
        add_executable(${name} ${A_SOURCES})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${A_SOURCES} "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c")
    endif()
    target_link_libraries(${name} PRIVATE gh_flags ${A_LINK})
    if(NOT GH_FUZZ)
        add_test(NAME ${name} COMMAND ${name} "tests/fuzz/corpora/${corpus}"
            WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
        set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    endif()
endfunction()
