// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Builds with the compiler under test, feeds the program by files, and reads what it writes.
#include "test/random/check_compiled.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/formats/npy.h"
#include "runtime/formats/safetensors.h"
#include "support/check.h"
#include "test/random/data.h"
#include "test/random/program.h"
#include "test/random/reference.h"
#include "test/random/variations.h"

namespace cnnc::random_programs {
namespace {

/// A command that failed: what it said.
struct Failed {
  std::string text;
};

/// Runs a command in `folder`; throws Failed when its exit status is not 0.
void run(const std::vector<std::string>& command, const std::string& folder) {
  const std::string log = folder + "/log.txt";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  CNNC_CHECK(error == 0, "cannot start " + command[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status == 0) return;
  std::stringstream said;
  said << std::ifstream(log).rdbuf();
  throw Failed{fmt::format("`{}` ends with {}: {}", fmt::join(command, " "), WIFEXITED(status) ? fmt::format("exit status {}", WEXITSTATUS(status)) : fmt::format("signal {}", WTERMSIG(status)), said.str())};
}

/// The images from `begin` on, `count` of them.
Tensor images_of(const Tensor& tensor, int64_t begin, int64_t count) {
  Tensor part{tensor.type, {}};
  part.at.assign(tensor.at.begin() + begin * tensor.count(), tensor.at.begin() + (begin + count) * tensor.count());
  return part;
}

/// The arrays of a .safetensors file or of one .npy file, by name.
using Arrays = std::map<std::string, std::vector<double>>;

class Program {
 public:
  Program(const std::string& text, ElementType element, const CompiledOptions& options, const std::string& name, std::vector<std::string> more)
      : folder_(std::filesystem::absolute(options.folder) / name), element_(element) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "random.cnn") << text;
    more.insert(more.begin(), {std::filesystem::absolute(options.cnnc), "build", "random.cnn"});
    if (element == ElementType::F64) more.insert(more.end(), {"--type", "f64"});
    more.insert(more.end(), options.build_options.begin(), options.build_options.end());
    const auto build = [&](std::vector<std::string> output) {
      output.insert(output.begin(), more.begin(), more.end());
      run(output, folder_);
    };
    build({"-o", "program", "--quiet"});
    build({"-o", "kernels.txt", "--emit", "kernels"});
    std::stringstream kernels;
    kernels << std::ifstream(folder_ / "kernels.txt").rdbuf();
    uses_winograd_ = kernels.str().find("winograd") != std::string::npos;
  }

  bool uses_winograd() const { return uses_winograd_; }

  void save(const std::string& file, const Tensor& tensor) {
    const auto shape = shape_of(tensor);
    const std::string path = folder_ / file;
    if (tensor.type.element == cnnc::ElementType::I32) {
      const auto numbers = numbers_of<int32_t>(tensor);
      formats::write_npy(path, formats::ElementType::I32, shape, std::as_bytes(std::span(numbers)));
    } else if (element_ == ElementType::F64) {
      formats::write_npy(path, shape, numbers_of<double>(tensor));
    } else {
      formats::write_npy(path, shape, numbers_of<float>(tensor));
    }
  }

  void save_weights(const Function& function, std::span<const Tensor> arguments) {
    random_programs::save_weights(folder_ / "weights.safetensors", function, arguments);
  }

  std::vector<double> predict(const Tensor& images, int threads, int64_t batch) {
    save("images.npy", images);
    call({"predict", "--weights", "weights.safetensors", "--output", "outputs.npy", "--threads", std::to_string(threads), "--batch",
          std::to_string(batch), "images.npy"});
    return formats::read_npy(folder_ / "outputs.npy").doubles();
  }

  Arrays gradients(const Tensor& images, const Tensor& labels, int threads) {
    save("images.npy", images);
    save("labels.npy", labels);
    call({"gradients", "--weights", "weights.safetensors", "--input", "images.npy", "--labels", "labels.npy", "--output",
          "gradients.safetensors", "--threads", std::to_string(threads)});
    const auto file = formats::read_safetensors(folder_ / "gradients.safetensors");
    Arrays arrays;
    for (const formats::Tensor& tensor : file.tensors) arrays[tensor.name] = file.doubles(tensor);
    return arrays;
  }

 private:
  void call(std::vector<std::string> command) {
    command.insert(command.begin(), folder_ / "program");
    run(command, folder_);
  }

  std::filesystem::path folder_;
  ElementType element_;
  bool uses_winograd_ = false;
};

/// NaN equals NaN here.
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

/// Inputs, and what the evaluator says of them, for one number of images.
struct Expectation {
  int64_t images = 0;
  std::vector<Tensor> arguments;      // of RECIPE.loss
  Tensor input, labels;
  Reference inference, training;
  Tensor loss;                        // the mean over the images
};

Tensor mean_of(const Tensor& losses) {
  Tensor mean = zeros({losses.type.element, false, {}}, 1);
  const Bounded count = exact(static_cast<double>(losses.at.size()));
  for (const Bounded& loss : losses.at) accumulate(mean.at[0], loss / count);
  return mean;
}

class Checker {
 public:
  Checker(const Module& module, Tally& tally) : module_(module), tally_(tally), loss_(*module.find(module.recipes.at(0).name + ".loss")) {}

  Expectation expect_of(int64_t images, double eps) const {
    const WithRoundingUnit unit(kRoundings * eps);
    const Function& network = *module_.find("network");
    Expectation e{.images = images, .arguments = argument_values(module_, loss_, images), .input = {}, .labels = {}, .inference = {}, .training = {}, .loss = {}};
    for (size_t i = 0; i < e.arguments.size(); ++i) {
      if (loss_.arguments[i].role == Role::Input) e.input = e.arguments[i];
      if (loss_.arguments[i].role == Role::Label) e.labels = e.arguments[i];
    }
    e.inference = evaluate(network, argument_values(module_, network, images), images, Mode::Inference, {});
    e.training = evaluate(loss_, e.arguments, images, Mode::Training, {});
    for (size_t i = 0; i < loss_.results.size(); ++i)
      if (loss_.results[i].role == Role::Loss) e.loss = mean_of(e.training.results[i]);
    return e;
  }

  /// Outputs, loss and gradients of so many images, within their bounds.
  void against_evaluator(Program& program, const std::string& title, int64_t images, double eps) {
    const WithWinograd winograd(program.uses_winograd());
    const Expectation e = expect_of(images, eps);
    program.save_weights(loss_, e.arguments);
    const std::string where = fmt::format("{}, {} images: ", title, images);
    compare_one(where + "output", e.inference.results.at(0), program.predict(e.input, 1, images), eps);
    const Arrays gradients = program.gradients(e.input, e.labels, 1);
    compare_one(where + "loss", e.loss, found(gradients, "loss"), eps);
    for (size_t i = 0; i < e.arguments.size(); ++i) {
      if (loss_.arguments[i].role != Role::Weight) continue;
      const std::string& name = loss_.arguments[i].name;
      compare_one(fmt::format("{}gradient of `{}`", where, name), e.training.gradients[i], found(gradients, name), eps);
    }
  }

  /// Bit by bit: other numbers of threads, and other neighbours in the batch.
  void against_itself(Program& program, int64_t images) {
    const Expectation e = expect_of(images, kSingle);
    const std::vector<double> outputs = program.predict(e.input, 1, images);
    const Arrays gradients = program.gradients(e.input, e.labels, 1);
    for (const int threads : {2, 3}) {
      if (!same_bits(outputs, program.predict(e.input, threads, images)))
        throw Failed{fmt::format("predictions of {} images with {} threads differ from those with one", images, threads)};
      for (const auto& [name, numbers] : program.gradients(e.input, e.labels, threads))
        if (!same_bits(gradients.at(name), numbers)) throw Failed{fmt::format("the gradient `{}` of {} images with {} threads differs from that with one", name, images, threads)};
    }
    const auto count = static_cast<int64_t>(outputs.size()) / images;
    for (const int64_t image : {int64_t{0}, images / 2, images - 1}) {
      const std::vector<double> alone = program.predict(images_of(e.input, image, 1), 1, 1);
      const auto begin = outputs.begin() + image * count;
      if (!same_bits(alone, std::vector<double>(begin, begin + count)))
        throw Failed{fmt::format("the prediction of image {} alone differs from that among {}", image, images)};
    }
  }

 private:
  static const std::vector<double>& found(const Arrays& arrays, const std::string& name) {
    const auto array = arrays.find(name);
    if (array == arrays.end()) throw Failed{fmt::format("`gradients` does not write `{}`", name)};
    return array->second;
  }

  void compare_one(const std::string& title, const Tensor& reference, const std::vector<double>& computed, double eps) {
    const WithRoundingUnit unit(kRoundings * eps);
    const std::string failure = compare(title, reference, computed, eps, tally_);
    if (!failure.empty()) throw Failed{failure};
  }

  const Module& module_;
  Tally& tally_;
  const Function& loss_;
};

}  // namespace

std::string check_compiled(const std::string& text, uint64_t variation, const CompiledOptions& options, Tally& tally) {
  std::string errors;
  const auto module = analyse_text(text, ElementType::F32, &errors);
  if (!module) return "the text is refused: " + errors;
  Random random(variation);
  const int64_t few = batch_of(*module), many = 17 + random.below(24);      // several groups of images for threads to share
  const Variation target = choose_target(random), schedule = choose_schedule(random);
  try {
    Checker checker(*module, tally);
    Program program(text, ElementType::F32, options, "host", {});
    checker.against_evaluator(program, "host", few, kSingle);
    checker.against_evaluator(program, "host", many, kSingle);
    checker.against_itself(program, many);
    for (const Variation* other : {&target, &schedule}) {
      Program varied(text, other->element, options, "varied", other->options);
      checker.against_evaluator(varied, other->name, random.one_in(2) ? few : many, other->element == ElementType::F64 ? kDouble : kSingle);
    }
    return {};
  } catch (const Failed& failed) {
    return failed.text;
  }
}

}  // namespace cnnc::random_programs
