// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fork, pipes, poll. A message is a kind ('k' for a result, 'f' for a failure), its length in 8 bytes, and its bytes.
#include "tune/child.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>

#include "support/check.h"

namespace cnnc {
namespace {

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void write_all(int to, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t written = write(to, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes += written, count -= static_cast<size_t>(written);
  }
}

}  // namespace

bool Channel::wait() const {
  char byte = 0;
  ssize_t count = 0;
  while ((count = read(in_, &byte, 1)) < 0 && errno == EINTR) {
  }
  return count == 1;
}

void Channel::send(char kind, const void* bytes, size_t count) const {
  const uint64_t length = count;
  write_all(out_, &kind, 1);
  write_all(out_, reinterpret_cast<const char*>(&length), sizeof length);
  write_all(out_, static_cast<const char*>(bytes), count);
}

Child::Child(const std::function<void(const Channel&)>& work) {
  int down[2], up[2];
  CNNC_CHECK(pipe(down) == 0 && pipe(up) == 0, "no pipe to a process");
  process_ = fork();
  CNNC_CHECK(process_ >= 0, "no process for a measurement");
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(down[1]), close(up[0]);
    const Channel channel(down[0], up[1]);
    try {
      work(channel);
    } catch (const std::exception& error) {
      channel.send('f', error.what());
    }
    _exit(0);
  }
  close(down[0]), close(up[1]);
  to_ = down[1], from_ = up[0];
}

Child::~Child() {
  close(to_), close(from_);
  if (process_ > 0) kill(process_, SIGKILL), waitpid(process_, nullptr, 0);
}

void Child::ask() const { write_all(to_, "r", 1); }

bool Child::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
  return false;
}

bool Child::read_exactly(char* bytes, size_t count, double until) {
  while (count > 0) {
    pollfd ready{from_, POLLIN, 0};
    const int wait = static_cast<int>(std::max(0.0, (until - seconds_now()) * 1e3)) + 1;
    const int found = poll(&ready, 1, wait);
    if (found < 0 && errno == EINTR) continue;
    if (found == 0) return fail(fmt::format("took longer than {:.0f} s", limit_));
    const ssize_t got = read(from_, bytes, count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      int status = 0;
      while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
      }
      process_ = -1;
      return fail(WIFSIGNALED(status) ? fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                      : fmt::format("ended with status {}", WEXITSTATUS(status)));
    }
    bytes += got, count -= static_cast<size_t>(got);
  }
  return true;
}

bool Child::receive(std::string& bytes, double seconds) {
  if (!failure_.empty()) return false;
  limit_ = seconds;
  const double until = seconds_now() + seconds;
  char kind = 0;
  uint64_t length = 0;
  if (!read_exactly(&kind, 1, until) || !read_exactly(reinterpret_cast<char*>(&length), sizeof length, until)) return false;
  bytes.resize(length);
  if (!read_exactly(bytes.data(), length, until)) return false;
  return kind == 'f' ? fail(bytes) : true;
}

std::vector<Made> make_in_children(const std::vector<std::function<std::string()>>& work, int jobs, double seconds) {
  std::vector<Made> made(work.size());
  std::vector<std::unique_ptr<Child>> children(work.size());
  const auto start = [&](size_t i) {
    if (i < work.size()) children[i] = std::make_unique<Child>([&, i](const Channel& channel) { channel.send('k', work[i]()); });
  };
  const auto at_once = static_cast<size_t>(std::max(1, jobs));
  for (size_t i = 0; i < std::min(at_once, work.size()); ++i) start(i);
  for (size_t i = 0; i < work.size(); ++i) {
    if (!children[i]->receive(made[i].text, seconds)) made[i].failure = children[i]->failure();
    children[i].reset();
    start(i + at_once);
  }
  return made;
}

}  // namespace cnnc
