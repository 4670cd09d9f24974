// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Clocks behind the hooks of a context, and the text of a trace.
#include "runtime/program/bench_profile.h"

#include <algorithm>

#include "runtime/program/json_text.h"

namespace cnnc::runtime {
namespace {

constexpr size_t kMostSpans = 200'000;    // about 10 MB, and as much as viewers like

double seconds_between(BenchClock::time_point begin, BenchClock::time_point end) { return std::chrono::duration<double>(end - begin).count(); }

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

KernelClock::KernelClock(std::span<const BenchedFunction> functions) : functions_(functions), times_(functions.size()) {
  for (size_t f = 0; f < functions.size(); ++f) times_[f].resize(static_cast<size_t>(functions[f].function->kernel_count));
}

void KernelClock::attach(Session& session) {
  session.context.profile = this;
  session.context.kernel_done = [](void* self, int32_t kernel) { static_cast<KernelClock*>(self)->add(kernel); };
}

void KernelClock::detach(Session& session) {
  session.context.kernel_done = nullptr;
  session.context.profile = nullptr;
}

void KernelClock::begin_run() {
  for (auto& kernels : times_)
    for (auto& runs : kernels) runs.push_back(0);
  function_ = 0;
  previous_ = -1;
  last_ = BenchClock::now();
}

void KernelClock::add(int32_t kernel) {
  const BenchClock::time_point now = BenchClock::now();
  if (kernel <= previous_ && function_ + 1 < functions_.size()) ++function_;
  previous_ = kernel;
  times_[function_][static_cast<size_t>(kernel)].back() += seconds_between(last_, now);
  if (listener) listener(functions_[function_].function->kernels[kernel], last_, now);
  last_ = BenchClock::now();
}

std::vector<double> KernelClock::medians() const {
  std::vector<double> result;
  for (const auto& kernels : times_)
    for (const auto& runs : kernels) result.push_back(median(runs));
  return result;
}

Trace::Trace(Session& session, std::span<const BenchedFunction> functions, const std::function<void()>& step, int runs)
    : program_(*session.program), pool_(*session.pool), start_(BenchClock::now()), spans_(kMostSpans) {
  KernelClock clock(functions);
  clock.listener = [this](const cnn_kernel& kernel, BenchClock::time_point begin, BenchClock::time_point end) {
    add({What::Kernel, &kernel, 0, 0, begin, end});
  };
  const cnn_context before = session.context;
  clock.attach(session);
  session.context.parallel_for = parallel_for;
  session.context.pool = this;
  for (int run = 0; run < runs; ++run) {
    const BenchClock::time_point begin = BenchClock::now();
    clock.begin_run();
    step();
    add({What::Step, nullptr, run + 1, 0, begin, BenchClock::now()});
  }
  session.context = before;
}

int32_t Trace::parallel_for(void* self, int32_t (*task)(void*, int32_t, uint8_t*), void* user, int32_t begin, int32_t count, uint8_t* closure) {
  struct Wrapped {
    Trace* trace;
    int32_t (*task)(void*, int32_t, uint8_t*);
    uint8_t* closure;
  } wrapped{static_cast<Trace*>(self), task, closure};
  const auto timed = [](void* given_user, int32_t i, uint8_t* given) -> int32_t {
    // One trace a process: a thread keeps the number that it got first.
    thread_local int32_t thread = -1;
    const auto& inner = *reinterpret_cast<const Wrapped*>(given);
    if (thread < 0) thread = inner.trace->threads_.fetch_add(1);
    const BenchClock::time_point from = BenchClock::now();
    const int32_t result = inner.task(given_user, i, inner.closure);
    inner.trace->add({What::Task, nullptr, i, thread, from, BenchClock::now()});
    return result;
  };
  return wrapped.trace->pool_.run(timed, user, begin, count, reinterpret_cast<uint8_t*>(&wrapped));
}

void Trace::add(const Span& span) {
  const size_t at = used_.fetch_add(1, std::memory_order_relaxed);
  if (at < spans_.size()) spans_[at] = span;
}

std::string Trace::json() const {
  // Rows of the viewer: steps with their kernels, then the threads.
  constexpr int kProcess = 1, kKernelRow = 0, kFirstThreadRow = 1;
  JsonText json;
  json.open('{').key("displayTimeUnit").string("ns").key("traceEvents").open('[');
  const auto name_row = [&](int row, const std::string& name) {
    json.open('{').key("name").string("thread_name").key("ph").string("M").key("pid").number(kProcess).key("tid").number(row);
    json.key("args").open('{').key("name").string(name).close('}').close('}');
  };
  name_row(kKernelRow, std::string(program_.network) + ": steps and kernels");
  for (int32_t i = 0; i < threads_; ++i) name_row(kFirstThreadRow + i, "thread " + std::to_string(i + 1));
  const size_t count = std::min(used_.load(), spans_.size());
  for (const Span& span : std::span(spans_).first(count)) {
    const char* kinds[] = {"step", "kernel", "task"};
    const std::string name = span.what == What::Kernel ? span.kernel->name : std::string(kinds[static_cast<int>(span.what)]) + " " + std::to_string(span.number);
    json.open('{').key("name").string(name).key("cat").string(kinds[static_cast<int>(span.what)]).key("ph").string("X");
    json.key("ts").number(seconds_between(start_, span.begin) * 1e6).key("dur").number(seconds_between(span.begin, span.end) * 1e6);
    json.key("pid").number(kProcess).key("tid").number(span.what == What::Task ? kFirstThreadRow + span.thread : kKernelRow);
    if (span.kernel) json.key("args").open('{').key("template").string(span.kernel->op).key("source").string(span.kernel->source).close('}');
    json.close('}');
  }
  return json.close(']').close('}').text() + "\n";
}

}  // namespace cnnc::runtime
