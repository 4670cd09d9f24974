// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files → source texts, diagnostics → standard error.
#include "driver/source_input.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "support/limits.h"
#include "support/text.h"

namespace cnnc {

std::optional<std::string> read_text(const std::string& path, std::string& error) {
  const std::string shown = escape_control(path);
  const auto close = [](std::FILE* file) {
    if (file != stdin) std::fclose(file);
  };
  const std::unique_ptr<std::FILE, decltype(close)> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"), close);
  if (!file) {
    error = fmt::format("cannot read {}: {}", shown, std::strerror(errno));
    return std::nullopt;
  }
  struct stat status {};
  if (fstat(fileno(file.get()), &status) == 0 && S_ISDIR(status.st_mode)) {
    error = fmt::format("cannot read {}: it is a folder", shown);
    return std::nullopt;
  }
  std::string text;
  char buffer[1 << 16];
  // One byte more than allowed is enough for the parser to refuse it.
  while (text.size() <= limits::kMaximumSourceBytes) {
    const size_t count = std::fread(buffer, 1, sizeof buffer, file.get());
    text.append(buffer, count);
    if (count < sizeof buffer) break;
  }
  if (std::ferror(file.get())) {
    error = fmt::format("cannot read {}: {}", shown, std::strerror(errno));
    return std::nullopt;
  }
  return text;
}

std::optional<int32_t> add_source(SourceManager& sources, const std::string& path) {
  std::string error;
  std::optional<std::string> text = read_text(path, error);
  if (!text) {
    print_error(error);
    return std::nullopt;
  }
  return sources.add(path == "-" ? "<standard input>" : path, std::move(*text));
}

bool error_output_has_colour() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_colour && *no_colour) return false;
  return isatty(STDERR_FILENO) && terminal && std::strcmp(terminal, "dumb") != 0;
}

void print_diagnostics(const Diagnostics& diagnostics) {
  const std::string text = diagnostics.render(error_output_has_colour());
  std::fwrite(text.data(), 1, text.size(), stderr);
  const auto errors = static_cast<size_t>(diagnostics.error_count());
  const auto warnings = static_cast<size_t>(std::count_if(diagnostics.all().begin(), diagnostics.all().end(),
                                                          [](const Diagnostic& d) { return d.severity == Severity::Warning; }));
  if (errors + warnings < 2) return;
  std::string summary;
  if (errors > 0) summary += count_of(errors, "error");
  if (errors > 0 && warnings > 0) summary += ", ";
  if (warnings > 0) summary += count_of(warnings, "warning");
  fmt::print(stderr, "{}\n", summary);
}

void print_error(const std::string& message) {
  std::string shown;
  for (size_t begin = 0; begin <= message.size();) {
    const size_t end = std::min(message.find('\n', begin), message.size());
    shown += (begin == 0 ? "" : "\n") + escape_control(message.substr(begin, end - begin));
    begin = end + 1;
  }
  fmt::print(stderr, "cnnc: error: {}\n", shown);
}

void print_internal_error(const std::string& message) { print_error("internal error: " + message); }

void print_defect_note() {
  std::fputs("this is a defect of cnnc, whatever the input is; please report it with the command and the files\n", stderr);
}

}  // namespace cnnc
