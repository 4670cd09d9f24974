// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Prints the machine's peak and bandwidths as JSON, as built programs measure them: roofline [--threads N] [--vectors avx512|avx2|generic]
//   g++ -std=c++20 -O2 -pthread -I. bench/roofline.cpp runtime/program/machine_speed.cpp -o roofline
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/program/machine_speed.h"

int main(int argc, char** argv) {
  using namespace cnnc::runtime;
  constexpr int kMostThreads = 1024, kRepeats = 3;
  int threads = 1;
  VectorSet vectors = widest_vectors();
  for (int i = 1; i < argc; i += 2) {
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (!std::strcmp(argv[i], "--threads") && std::atoi(value) >= 1 && std::atoi(value) <= kMostThreads) threads = std::atoi(value);
    else if (const auto set = vector_set(value); !std::strcmp(argv[i], "--vectors") && set && *set <= widest_vectors()) vectors = *set;
    else return std::fprintf(stderr, "usage: roofline [--threads N] [--vectors avx512|avx2|generic]\n"), 2;
  }
  MachineSpeed speed = measure_speed(threads, vectors);
  for (int i = 1; i < kRepeats; ++i) speed = better_of(speed, measure_speed(threads, vectors));
  std::printf("{\"threads\": %d, \"vectors\": \"%s\", \"peak_gflops\": %.1f, \"levels\": [", threads, name_of(vectors), speed.peak * 1e-9);
  for (const MemoryLevel& level : speed.levels)
    std::printf("%s{\"name\": \"%s\", \"bytes\": %lld, \"read_gbs\": %.1f, \"copy_gbs\": %.1f}", &level == speed.levels.data() ? "" : ", ",
                level.name, &level == &speed.levels.back() ? 0 : static_cast<long long>(level.capacity), level.read * 1e-9, level.copy * 1e-9);
  std::puts("]}");
}
