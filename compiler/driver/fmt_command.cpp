// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc fmt [--check] FILE…`: rewrites files in the canonical form. A file is replaced as a whole (a temporary file beside
// it, then a rename), keeps its permissions, and is left alone if it has errors. Tests: test/syntax.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "support/text.h"
#include "syntax/parser.h"
#include "syntax/printer.h"

namespace cnnc {
namespace {

struct FormatOptions {
  std::vector<std::string> files;
  bool check = false;
};

bool write_all(int descriptor, const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(descriptor, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    written += static_cast<size_t>(count);
  }
  return true;
}

/// Replaces the file that `path` names (through links) by `text`, or leaves it as it is and prints why.
bool replace_file(const std::string& path, const std::string& text) {
  char resolved[PATH_MAX];
  const std::string target = realpath(path.c_str(), resolved) ? resolved : path;
  std::string temporary = target + ".XXXXXX";
  const auto fail = [&](const char* what) {
    print_error(fmt::format("cannot {} {}: {}", what, escape_control(path), std::strerror(errno)));
    return false;
  };
  struct stat status {};
  if (access(target.c_str(), W_OK) != 0 || stat(target.c_str(), &status) != 0) return fail("write");
  const int descriptor = mkstemp(temporary.data());
  if (descriptor < 0) return fail("write beside");
  const bool complete = write_all(descriptor, text) && fchmod(descriptor, status.st_mode & 07777) == 0 && fsync(descriptor) == 0;
  const bool closed = close(descriptor) == 0;
  if (complete && closed && rename(temporary.c_str(), target.c_str()) == 0) return true;
  fail("write");
  unlink(temporary.c_str());
  return false;
}

int format_one(const std::string& path, bool check) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const std::optional<int32_t> source = add_source(sources, path);
  if (!source) return kInputWrong;
  const ast::File file = parse_file(sources, *source, diagnostics);
  print_diagnostics(diagnostics);
  if (diagnostics.has_errors()) return kInputWrong;

  const std::string formatted = format_file(file, sources);
  const bool changed = formatted != sources.file(*source).text;
  if (check) {
    if (changed) fmt::print("{}\n", escape_control(sources.file(*source).path));
    return changed ? kInputWrong : kDone;
  }
  if (path == "-") {
    std::fwrite(formatted.data(), 1, formatted.size(), stdout);
    return kDone;
  }
  return !changed || replace_file(path, formatted) ? kDone : kInputWrong;
}

int run_format(const FormatOptions& options) {
  int status = kDone;
  for (const std::string& path : options.files) status = std::max(status, format_one(path, options.check));
  return status;
}

}  // namespace

Subcommand fmt_subcommand() {
  return {"fmt", "rewrite .cnn files in the canonical form",
          "  cnnc fmt lenet.cnn            rewrites the file\n"
          "  cnnc fmt --check *.cnn        lists the files that would change; exit status 1 if there are any\n"
          "  cnnc fmt - < lenet.cnn        from standard input to standard output\n",
          [](CLI::App& app) -> Action {
            const auto options = std::make_shared<FormatOptions>();
            app.add_option("FILE", options->files, "the files to rewrite; `-` reads standard input and prints")->required();
            app.add_flag("--check", options->check, "change nothing, list the files that would change");
            return [options] { return run_format(*options); };
          }};
}

}  // namespace cnnc
