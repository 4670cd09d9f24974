// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Work in a process of its own, with pipes: whatever crashes or hangs there is told and costs nothing else. Tests: test/tune/machine.cpp
#pragma once
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace cnnc {

/// The child's end of the pipes. Messages are a kind and bytes.
class Channel {
 public:
  Channel(int in, int out) : in_(in), out_(out) {}
  /// Waits for one byte; false when the parent has gone.
  bool wait() const;
  void send(char kind, const void* bytes, size_t count) const;
  void send(char kind, const std::string& text) const { send(kind, text.data(), text.size()); }

 private:
  int in_, out_;
};

class Child {
 public:
  /// Forks; the caller has one thread. What `work` throws is sent as a message of kind 'f'.
  explicit Child(const std::function<void(const Channel&)>& work);
  /// Ends it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void ask() const;
  /// The next message within so many seconds; false where there is none, and failure() says why.
  bool receive(std::string& bytes, double seconds);
  const std::string& failure() const { return failure_; }

 private:
  bool read_exactly(char* bytes, size_t count, double until);
  bool fail(std::string why);

  pid_t process_ = -1;
  int to_ = -1, from_ = -1;
  double limit_ = 0;
  std::string failure_;
};

/// Each piece of work in a child, so many at a time; texts of results, or why there is none.
struct Made {
  std::string text, failure;
};
std::vector<Made> make_in_children(const std::vector<std::function<std::string()>>& work, int jobs, double seconds);

}  // namespace cnnc
