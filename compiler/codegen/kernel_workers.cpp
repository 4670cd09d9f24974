// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// compile_kernels: distinct signatures → cache look-up → worker processes that lower the rest.
//
// A worker is a fork of the compiler (which has one thread at that time, so forking is safe). Workers take numbers of
// kernels from a counter in shared memory and leave their results as files in a private folder; the parent reads them. A
// worker that dies or hangs costs one kernel: its number stands in shared memory, and a new worker takes its place.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "codegen/kernel_cache.h"
#include "codegen/kernels.h"
#include "lower/lower.h"
#include "support/check.h"
#include "support/injected_fault.h"
#include "support/temporary_folder.h"

namespace cnnc {
namespace {

using Clock = std::chrono::steady_clock;

// Halide recurses deeply over large statements.
constexpr size_t kLoweringStack = size_t{256} << 20;
constexpr int kMaximumWorkers = 64;

struct Job {
  KernelCode* code = nullptr;
  std::string key;
};

struct Shared {
  std::atomic<int> next{0}, done{0};
  std::atomic<int> current[kMaximumWorkers];
};

/// Runs `work` on a thread with a large stack and waits for it.
void run_with_large_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kLoweringStack);
  pthread_t thread;
  auto enter = [](void* closure) -> void* {
    (*static_cast<const std::function<void()>*>(closure))();
    return nullptr;
  };
  const int error = pthread_create(&thread, &attributes, enter, const_cast<std::function<void()>*>(&work));
  pthread_attr_destroy(&attributes);
  CNNC_CHECK(error == 0, "no thread for lowering");
  pthread_join(thread, nullptr);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
}

class WorkerPool {
 public:
  WorkerPool(std::vector<Job>& jobs, const Target& target, const KernelOptions& options)
      : jobs_(jobs), target_(target), options_(options) {
    CNNC_CHECK(folder_.exists(), folder_.error());
    void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CNNC_CHECK(memory != MAP_FAILED, "no shared memory");
    shared_ = new (memory) Shared;
    for (auto& current : shared_->current) current = -1;
  }
  ~WorkerPool() {
    for (auto& worker : workers_) kill(worker.process, SIGKILL), waitpid(worker.process, nullptr, 0);
    munmap(shared_, sizeof(Shared));
  }

  void run(int count, std::vector<KernelFailure>& failures) {
    for (int slot = 0; slot < std::min({count, kMaximumWorkers, static_cast<int>(jobs_.size())}); ++slot) start(slot);
    while (!workers_.empty()) {
      if (!reap(failures)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      kill_hanging();
      if (options_.progress) options_.progress(shared_->done, static_cast<int>(jobs_.size()));
    }
    collect(failures);
  }

 private:
  struct Worker {
    pid_t process = -1;
    int slot = 0;
    int kernel = -1;            // what it was seen working on, since when
    Clock::time_point since;
    bool timed_out = false;
  };

  std::string result_path(int index, const char* suffix) const { return folder_.file(fmt::format("{}.{}", index, suffix)); }

  void start(int slot) {
    const pid_t process = fork();
    CNNC_CHECK(process >= 0, "no worker process");
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      make_temporary_folders_in(folder_.path());    // a worker that is killed leaves its own
      run_with_large_stack([&] { work(slot); });
      _exit(0);
    }
    workers_.push_back({process, slot, -1, Clock::now(), false});
  }

  void work(int slot) {
    for (int index; (index = shared_->next++) < static_cast<int>(jobs_.size());) {
      shared_->current[slot] = index;
      const KernelCode& code = *jobs_[static_cast<size_t>(index)].code;
      const LoweredKernel lowered = lower(code);
      if (!lowered.error.empty()) {
        write_file(result_path(index, "error"), lowered.error);
      } else {
        if (options_.statements) write_file(result_path(index, "stmt"), lowered.statement);
        write_file(result_path(index, "partial"), lowered.bitcode);
        std::filesystem::rename(result_path(index, "partial"), result_path(index, "bc"));
      }
      shared_->current[slot] = -1;
      ++shared_->done;
    }
  }

  LoweredKernel lower(const KernelCode& code) const {
    try {
      inject_fault("kernel");
      return lower_kernel(*code.plan, *code.kernel, target_, {code.function, options_.statements, options_.sanitize});
    } catch (const std::exception& error) {
      LoweredKernel failed;
      failed.error = error.what();
      return failed;
    }
  }

  bool reap(std::vector<KernelFailure>& failures) {
    int status = 0;
    for (size_t i = 0; i < workers_.size(); ++i) {
      if (waitpid(workers_[i].process, &status, WNOHANG) != workers_[i].process) continue;
      const Worker worker = workers_[i];
      workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(i));
      const int index = shared_->current[worker.slot].exchange(-1);
      if (index >= 0) {
        report(failures, index, worker.timed_out       ? fmt::format("took longer than {} s", options_.timeout_seconds)
                                : WIFSIGNALED(status) ? fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                                      : fmt::format("ended with status {}", WEXITSTATUS(status)));
        ++shared_->done;
        start(worker.slot);
      }
      return true;
    }
    return false;
  }

  void kill_hanging() {
    for (Worker& worker : workers_) {
      const int kernel = shared_->current[worker.slot];
      if (kernel != worker.kernel) {
        worker.kernel = kernel;
        worker.since = Clock::now();
      } else if (kernel >= 0 && Clock::now() - worker.since > std::chrono::seconds(options_.timeout_seconds)) {
        worker.timed_out = true;
        kill(worker.process, SIGKILL);
      }
    }
  }

  void report(std::vector<KernelFailure>& failures, int index, std::string reason) {
    const Kernel& kernel = *jobs_[static_cast<size_t>(index)].code->kernel;
    failures.push_back({kernel.label.empty() ? kernel.name : kernel.label, kernel.signature, std::move(reason)});
  }

  void collect(std::vector<KernelFailure>& failures) {
    for (int index = 0; index < static_cast<int>(jobs_.size()); ++index) {
      Job& job = jobs_[static_cast<size_t>(index)];
      if (std::filesystem::exists(result_path(index, "error"))) {
        report(failures, index, read_file(result_path(index, "error")));
        continue;
      }
      job.code->bitcode = read_file(result_path(index, "bc"));
      if (options_.statements) job.code->statement = read_file(result_path(index, "stmt"));
      if (!job.code->bitcode.empty()) write_cached(options_.cache_folder, job.key, job.code->bitcode);
    }
  }

  std::vector<Job>& jobs_;
  const Target& target_;
  const KernelOptions& options_;
  const TemporaryFolder folder_;
  Shared* shared_ = nullptr;
  std::vector<Worker> workers_;
};

}  // namespace

CompiledKernels compile_kernels(const ModulePlan& plan, const KernelOptions& options) {
  CompiledKernels result;
  for (const FunctionPlan& function : plan.functions)
    for (const Kernel& kernel : function.kernels) {
      KernelCode& code = result.by_signature[kernel.signature];
      if (code.kernel) continue;
      code.function = "kernel_" + fingerprint(kernel.signature);
      code.plan = &function;
      code.kernel = &kernel;
    }

  const std::string identity = compiler_identity();
  std::vector<Job> jobs;
  for (auto& [signature, code] : result.by_signature) {
    Job job{&code, fingerprint(fmt::format("{}\n{}\n{}\n{}", identity, plan.target->name, options.sanitize, signature))};
    auto cached = options.statements ? std::nullopt : read_cached(options.cache_folder, job.key);
    if (cached)
      code.bitcode = std::move(*cached);
    else
      jobs.push_back(std::move(job));
  }
  if (jobs.empty()) return result;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  WorkerPool(jobs, *plan.target, options).run(options.jobs > 0 ? options.jobs : cores, result.failures);
  return result;
}

}  // namespace cnnc
