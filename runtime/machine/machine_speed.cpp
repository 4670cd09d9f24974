// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Short loops over registers and over buffers that fit each level; the best of some tries counts.
#include "runtime/machine/machine_speed.h"

#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace cnnc::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChains = 12;             // independent sums: more than latency times multiply-adds a cycle
constexpr int kPeakRounds = 40'000;     // about a millisecond
constexpr int kTries = 5, kTriesOfMemory = 2;
constexpr double kBytesOfATry = 8e6;    // a few hundred microseconds from the first two levels
constexpr int64_t kDefaultCapacity[] = {32 << 10, 1 << 20, 16 << 20};
constexpr int64_t kLeastBeyondCaches = 64 << 20, kMostBeyondCaches = 512 << 20;

std::atomic<float> sink;                // what is computed must be used

// The three loops for one set of registers. `floats` are multiples of 8 vectors.
#define SPEED_LOOPS(NAME, TARGET, VECTOR, LANES, SET, ADD, MULTIPLY_ADD, LOAD, STORE)          \
  struct NAME {                                                                                \
    TARGET static double multiply_adds() {                                                     \
      VECTOR sums[kChains];                                                                    \
      const VECTOR factor = SET(0.999999f), term = SET(1e-6f);                                 \
      for (int i = 0; i < kChains; ++i) sums[i] = SET(1.0f + static_cast<float>(i));           \
      for (int n = 0; n < kPeakRounds; ++n) {                                                  \
        _Pragma("GCC unroll 12") for (int i = 0; i < kChains; ++i)                             \
            sums[i] = MULTIPLY_ADD(sums[i], factor, term);                                     \
      }                                                                                        \
      use(sums, kChains);                                                                      \
      return 2.0 * LANES * kChains * kPeakRounds;                                              \
    }                                                                                          \
    TARGET static void read(const float* from, int64_t floats) {                               \
      VECTOR sums[8];                                                                          \
      for (int i = 0; i < 8; ++i) sums[i] = SET(0.0f);                                         \
      for (int64_t k = 0; k < floats; k += 8 * LANES) {                                        \
        _Pragma("GCC unroll 8") for (int i = 0; i < 8; ++i)                                    \
            sums[i] = ADD(sums[i], LOAD(from + k + i * LANES));                                \
      }                                                                                        \
      use(sums, 8);                                                                            \
    }                                                                                          \
    TARGET static void copy(const float* from, float* to, int64_t floats) {                    \
      for (int64_t k = 0; k < floats; k += 8 * LANES) {                                        \
        _Pragma("GCC unroll 8") for (int i = 0; i < 8; ++i)                                    \
            STORE(to + k + i * LANES, LOAD(from + k + i * LANES));                             \
      }                                                                                        \
    }                                                                                          \
    TARGET static void use(VECTOR* sums, int count) {                                          \
      alignas(64) float numbers[LANES];                                                        \
      for (int i = 1; i < count; ++i) sums[0] = ADD(sums[0], sums[i]);                         \
      STORE(numbers, sums[0]);                                                                 \
      sink.store(numbers[0], std::memory_order_relaxed);                                       \
    }                                                                                          \
  };

#define MULTIPLY_THEN_ADD(a, b, c) _mm_add_ps(_mm_mul_ps(a, b), c)
SPEED_LOOPS(SseLoops, , __m128, 4, _mm_set1_ps, _mm_add_ps, MULTIPLY_THEN_ADD, _mm_load_ps, _mm_store_ps)
SPEED_LOOPS(Avx2Loops, __attribute__((target("avx2,fma"))), __m256, 8, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps,
            _mm256_load_ps, _mm256_store_ps)
SPEED_LOOPS(Avx512Loops, __attribute__((target("avx512f"))), __m512, 16, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps,
            _mm512_load_ps, _mm512_store_ps)

struct Loops {
  double (*multiply_adds)();
  void (*read)(const float*, int64_t);
  void (*copy)(const float*, float*, int64_t);
};

template <typename Set>
Loops loops() { return {Set::multiply_adds, Set::read, Set::copy}; }

Loops loops_of(VectorSet set) {
  switch (set) {
    case VectorSet::Avx512: return loops<Avx512Loops>();
    case VectorSet::Avx2: return loops<Avx2Loops>();
    case VectorSet::Sse: break;
  }
  return loops<SseLoops>();
}

/// Seconds that body(thread) takes on all threads, which begin at the same time; where the system gives fewer threads, negative.
double seconds_on(int threads, const std::function<void(int)>& body) {
  std::atomic<int> ready{0};
  std::atomic<bool> failed{false};
  Clock::time_point begin;
  const auto run = [&](int thread) {
    ready.fetch_add(1);
    while (ready.load() < threads) {
      if (failed.load()) return;
      std::this_thread::yield();
    }
    if (thread == 0) begin = Clock::now();
    body(thread);
  };
  std::vector<std::thread> others;
  try {
    others.reserve(static_cast<size_t>(threads));
    for (int i = 1; i < threads; ++i) others.emplace_back(run, i);
  } catch (const std::exception&) {   // std::system_error, std::bad_alloc
    failed = true;
  }
  if (!failed) run(0);
  for (std::thread& other : others) other.join();
  return failed ? -1 : std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The best of several tries: `work` is what all threads do together in one.
double best_rate(int tries, int threads, double work, const std::function<void(int)>& body) {
  double best = 0;
  for (int i = 0; i < tries; ++i) {
    const double seconds = seconds_on(threads, body);
    if (seconds > 0) best = std::max(best, work / seconds);
  }
  return best;
}

/// Zeroed pages of the system that end with this object; null where there is no room.
class Pages {
 public:
  explicit Pages(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {
    void* got = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) return;
    data_ = static_cast<float*>(got);
    madvise(got, bytes_, MADV_HUGEPAGE);
    constexpr size_t kPage = 4096 / sizeof(float);
    for (size_t i = 0; i < bytes_ / sizeof(float); i += kPage) data_[i] = 1;
  }
  ~Pages() {
    if (data_) munmap(data_, bytes_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  float* data() const { return data_; }

 private:
  float* data_ = nullptr;
  size_t bytes_;
};

/// Bytes of a data cache: from the kernel, as the C library counts those of all sockets on some machines.
int64_t capacity(int level) {
  constexpr int kMostCaches = 8;
  for (int i = 0; i < kMostCaches; ++i) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    int found = 0;
    int64_t kibibytes = 0;
    std::string kind;
    std::ifstream(folder + "level") >> found;
    std::ifstream(folder + "type") >> kind;
    std::ifstream(folder + "size") >> kibibytes;   // "32K"
    if (found == level + 1 && kind != "Instruction" && kibibytes > 0) return kibibytes << 10;
  }
  return kDefaultCapacity[level];
}

/// Reads and copies `bytes` a thread, as often as makes a try long enough.
void measure_level(MemoryLevel& level, const Loops& loop, int threads, int64_t bytes, float* buffer, int tries) {
  constexpr int64_t kMultiple = 16 * 16;   // two halves of 8 vectors of 16
  const int64_t floats = std::max(kMultiple, bytes / static_cast<int64_t>(sizeof(float)) / kMultiple * kMultiple), half = floats / 2;
  const int64_t passes = std::max<int64_t>(1, static_cast<int64_t>(kBytesOfATry / static_cast<double>(floats * 4)));
  const double work = static_cast<double>(passes * floats * 4 * threads);
  level.read = best_rate(tries, threads, work, [&](int thread) {
    for (int64_t i = 0; i < passes; ++i) loop.read(buffer + thread * floats, floats);
  });
  level.copy = best_rate(tries, threads, work, [&](int thread) {
    float* from = buffer + thread * floats;
    for (int64_t i = 0; i < passes; ++i) loop.copy(from, from + half, half);
  });
}

}  // namespace

std::optional<VectorSet> vector_set(std::string_view target) {
  if (target == "avx512") return VectorSet::Avx512;
  if (target == "avx2") return VectorSet::Avx2;
  if (target == "generic") return VectorSet::Sse;
  return std::nullopt;
}

const char* name_of(VectorSet set) {
  switch (set) {
    case VectorSet::Avx512: return "avx512";
    case VectorSet::Avx2: return "avx2";
    case VectorSet::Sse: break;
  }
  return "generic";
}

VectorSet widest_vectors() {
  if (__builtin_cpu_supports("avx512f")) return VectorSet::Avx512;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? VectorSet::Avx2 : VectorSet::Sse;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> facts;   // of the first processor
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':'), name = line.find_last_not_of(" \t:", colon);
    if (colon != std::string::npos && name != std::string::npos) facts[line.substr(0, name + 1)] = line.substr(std::min(line.size(), colon + 2));
  }
  if (facts["model name"].empty()) return "unknown";
  // A virtual machine may name the maker alone.
  return facts["model name"] + ", family " + facts["cpu family"] + " model " + facts["model"];
}

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

double measure_frequency() {
  constexpr int kRounds = 50'000, kAdditions = 16;
  return best_rate(kTries, 1, static_cast<double>(kRounds) * kAdditions, [](int) {
    uint64_t sum = 1, step = 3;
    for (int i = 0; i < kRounds; ++i) {
      _Pragma("GCC unroll 16") for (int k = 0; k < kAdditions; ++k)   // each waits for the one before: a cycle
          __asm__ volatile("add %1, %0" : "+r"(sum) : "r"(step));
    }
  });
}

double measure_peak(int threads, VectorSet vectors) {
  const Loops loop = loops_of(vectors);
  const double operations = loop.multiply_adds() * threads;   // this call also warms the registers up
  return best_rate(kTries, threads, operations, [&](int) { loop.multiply_adds(); });
}

MachineSpeed measure_speed(int threads, VectorSet vectors) {
  const Loops loop = loops_of(vectors);
  MachineSpeed speed;
  speed.threads = threads;
  speed.peak = measure_peak(threads, vectors);

  const int64_t l1 = capacity(0), l2 = capacity(1), l3 = capacity(2);
  const int64_t beyond = std::clamp(4 * l3, kLeastBeyondCaches, kMostBeyondCaches);
  speed.levels = {{{"L1", l1 * threads, 0, 0}, {"L2", l2 * threads, 0, 0}, {"L3", l3, 0, 0}, {"memory", INT64_MAX, 0, 0}}};
  const Pages pages(std::max(beyond, (l1 + l2) * threads));
  if (!pages.data()) return speed;
  // Half of each level, as other things are in it too; that is more than the level before has.
  const int64_t sizes[] = {l1 / 2, l2 / 2, l3 / 2 / threads, beyond / threads};
  for (size_t i = 0; i < speed.levels.size(); ++i)
    measure_level(speed.levels[i], loop, threads, sizes[i], pages.data(), i < 3 ? kTries : kTriesOfMemory);
  return speed;
}

MachineSpeed better_of(const MachineSpeed& one, const MachineSpeed& other) {
  MachineSpeed best = one;
  best.peak = std::max(one.peak, other.peak);
  for (size_t i = 0; i < best.levels.size(); ++i) {
    best.levels[i].read = std::max(one.levels[i].read, other.levels[i].read);
    best.levels[i].copy = std::max(one.levels[i].copy, other.levels[i].copy);
  }
  return best;
}

const MemoryLevel& level_of(const MachineSpeed& speed, double touched) {
  for (const MemoryLevel& level : speed.levels)
    if (touched <= static_cast<double>(level.capacity)) return level;
  return speed.levels.back();
}

double seconds_of(const MemoryLevel& level, const Traffic& traffic) {
  if (level.read <= 0 || level.copy <= 0) return 0;
  return std::max(0.0, traffic.read - traffic.written) / level.read + 2 * traffic.written / level.copy;
}

Bound bound_of(const MachineSpeed& speed, double operations, std::initializer_list<Traffic> traffic) {
  Bound bound{"compute", speed.peak > 0 ? operations / speed.peak : 0};
  for (const MemoryLevel& level : speed.levels) {
    double seconds = 0;
    for (const Traffic& part : traffic)
      if (&level_of(speed, part.touched) == &level) seconds += seconds_of(level, part);
    if (seconds > bound.seconds) bound = {level.name, seconds};
  }
  return bound;
}

}  // namespace cnnc::runtime
