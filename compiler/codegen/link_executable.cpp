// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Object + libcnnrt.a → executable, by the system's `cc`. The result appears under its name only when it is whole.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "codegen/codegen.h"
#include "support/text.h"

extern char** environ;

namespace cnnc {
namespace {

namespace fs = std::filesystem;

/// Arguments of the link, one a line; `@/` at the start of one stands for the runtime's folder.
std::vector<std::string> link_arguments(const std::string& runtime_folder) {
  std::vector<std::string> arguments;
  std::ifstream in(runtime_folder + "/cnnrt.link");
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    arguments.push_back(line.starts_with("@/") ? runtime_folder + line.substr(1) : line);
  }
  return arguments;
}

/// Runs a command, its output into `log`; returns the exit status, or -1 when it cannot be started.
int run(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& part : command) arguments.push_back(const_cast<char*>(part.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t process = -1;
  const int error = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return -1;
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string link_executable(const std::string& object, const std::string& output, const std::string& runtime_folder,
                            bool sanitize) {
  if (!fs::exists(runtime_folder + "/libcnnrt.a"))
    return fmt::format("the runtime is missing: no {}/libcnnrt.a", runtime_folder);
  char name[] = "/tmp/cnnc-XXXXXX";
  if (!mkdtemp(name)) return fmt::format("no temporary folder in /tmp: {}", std::strerror(errno));
  const std::string folder = name;
  struct Remove {
    std::string path;
    ~Remove() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } remove{folder};

  const std::string object_path = folder + "/program.o", log = folder + "/log";
  {
    std::ofstream out(object_path, std::ios::binary);
    out << object;
    if (!out.flush()) return fmt::format("cannot write {}: {}", object_path, std::strerror(errno));
  }
  // Absolute, so that no name is taken for an option or a file of options.
  const std::string partial = fmt::format("{}.{}.partial", fs::absolute(output).string(), getpid());
  std::vector<std::string> command = {"cc", "-o", partial, object_path};
  for (std::string& argument : link_arguments(runtime_folder)) command.push_back(std::move(argument));
  if (sanitize) command.push_back("-fsanitize=address,undefined");
  const int status = run(command, log);
  std::error_code error;
  if (status == -1) return "the system's C compiler `cc` cannot be started; it links the program (Debian: apt install gcc)";
  if (status != 0) {
    fs::remove(partial, error);
    return fmt::format("linking with `cc` failed with status {}:\n{}", status, read_text(log));
  }
  fs::rename(partial, output, error);
  if (error) {
    const std::string reason = error.message();
    fs::remove(partial, error);
    return fmt::format("cannot write {}: {}", escape_control(output), reason);
  }
  return {};
}

}  // namespace cnnc
