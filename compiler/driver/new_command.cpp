// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `cnnc new NAME`: writes NAME.cnn, a commented network that trains on the handwritten digits. Never overwrites a file.
// Tests: test/driver.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "driver/exit_status.h"
#include "driver/source_input.h"
#include "driver/subcommand.h"
#include "support/limits.h"
#include "support/text.h"
#include "syntax/parser.h"

namespace cnnc {
namespace {

constexpr const char* kTemplate = R"(# {0}: a network that recognises handwritten digits, 8x8 pixels in shades of grey.
#
#   cnnc build {0}.cnn
#   ./{0} train --save {0}.safetensors
#   ./{0} predict --weights {0}.safetensors digit.png

# Shapes are [channels, height, width]; the number of images in a batch is never written.
network {0}(image: [1, 8, 8], classes = 10) {{
    image
    -> conv(16, kernel: 3, pad: same) -> relu  # 16 filters of 3x3; `same` keeps the size
    -> conv(32, kernel: 3, pad: same) -> relu
    -> maxpool(2)                              # 8x8 becomes 4x4
    -> flatten
    -> dense(64) -> relu
    -> dense(classes)                          # one score for each class
}}

train {0} {{
    data      = idx("digits")  # a folder with four IDX files; `--data` names another one
    loss      = cross_entropy
    optimizer = sgd(rate: 0.05, momentum: 0.9)
    schedule  = cosine         # the rate falls along half a cosine
    batch     = 32             # images between two updates of the weights
    epochs    = 15             # passes over the data
}}
)";

/// Whether this is a name of the language: one reference, nothing else.
bool is_valid_name(const std::string& name) {
  SourceManager sources;
  Diagnostics diagnostics(sources);
  const ast::ExprPtr expression = parse_expression(sources, sources.add("name", name), diagnostics);
  const auto* reference = expression ? std::get_if<ast::Reference>(&expression->kind) : nullptr;
  return reference && reference->name == name;
}

int run_new(const std::string& name) {
  if (!is_valid_name(name)) {
    print_error(fmt::format("`{}` cannot be the name of a network", escape_control(abbreviate(name))));
    fmt::print(stderr, "a name consists of letters, digits and `_`, does not begin with a digit, and is no word of the language\n");
    return kUsageWrong;
  }
  const std::string path = name + ".cnn";
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (descriptor < 0) {
    print_error(errno == EEXIST ? fmt::format("{} exists already, and is left as it is", path)
                                : fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    return kInputWrong;
  }
  const std::string text = fmt::format(kTemplate, name);
  const ssize_t written = write(descriptor, text.data(), text.size());
  if (close(descriptor) != 0 || written != static_cast<ssize_t>(text.size())) {
    print_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    unlink(path.c_str());
    return kInputWrong;
  }
  fmt::print("wrote {0}\nnext: cnnc build {0} && ./{1} train\n", path, name);
  return kDone;
}

}  // namespace

Subcommand new_subcommand() {
  return {"new", "write a commented network to start from",
          "  cnnc new digits               writes digits.cnn in the current folder\n",
          [](CLI::App& app) -> Action {
            const auto name = std::make_shared<std::string>();
            app.add_option("NAME", *name, "the network's name; the file is NAME.cnn")->required();
            return [name] { return run_new(*name); };
          }};
}

}  // namespace cnnc
