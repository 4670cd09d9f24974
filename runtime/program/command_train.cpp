// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `train`: options → Trainer.
#include "runtime/formats/text.h"
#include "runtime/program/commands.h"
#include "runtime/program/failure.h"
#include "runtime/program/signals.h"
#include "runtime/program/trainer.h"
#include "runtime/program/weights_file.h"

namespace cnnc::runtime {
namespace {

constexpr OptionDef kOptions[] = {
    kDataOption,
    {"--epochs", "N", "how often all data is seen, in total, also on resume; 0 only makes the first weights"},
    kBatchOption,
    {"--rate", "R", "the learning rate, instead of the optimizer's"},
    kSeedOption,
    kThreadsOption,
    {"--weights", "FILE", "weights to start from, instead of random ones"},
    {"--save", "FILE", "writes the trained weights (.safetensors)"},
    {"--checkpoint", "FILE", "where checkpoints go (default: NETWORK.checkpoint)"},
    {"--resume", "[FILE]", "goes on from a checkpoint (default: the one that --checkpoint names)"},
    {"--log", "FILE", "writes a CSV row a step: step, epoch, loss, rate"},
    kSetOption,
    kRecipeOption,
    {"--no-shuffle", "", "takes the data in the order of the files"},
    {"--no-augment", "", "leaves images as they are"},
    {"--overfit", "", "trains on one batch until its loss is near zero: a first check of a network"},
    {"--quiet", "", "prints no progress"},
};

TrainOptions read_options(const cnn_program& program, const CommandLine& line) {
  TrainOptions out;
  out.data = line.text("--data").value_or("");
  out.weights = line.text("--weights").value_or("");
  out.save = line.text("--save").value_or("");
  out.log = line.text("--log").value_or("");
  out.checkpoint = line.text("--checkpoint").value_or(std::string(program.network) + ".checkpoint");
  if (line.has("--resume")) {
    out.resume = line.text("--resume").value_or("");
    if (out.resume.empty()) out.resume = out.checkpoint;
    else if (!line.has("--checkpoint")) out.checkpoint = out.resume;
  }
  out.no_shuffle = line.has("--no-shuffle");
  out.no_augment = line.has("--no-augment");
  out.overfit = line.has("--overfit");
  out.quiet = line.has("--quiet");
  if (!out.resume.empty() && !out.weights.empty()) fail_usage("`--resume` and `--weights` both say where the weights come from", "leave one of them out");
  if (!out.resume.empty() && out.overfit) fail_usage("`--overfit` starts anew, `--resume` goes on", "leave one of them out");
  return out;
}

int run_train(const cnn_program& program, const CommandLine& line) {
  const TrainOptions options = read_options(program, line);
  Session session = make_session(program, line);
  const SignalWatch watch;
  Trainer trainer(session, options);
  return options.overfit ? trainer.overfit() : trainer.run();
}

}  // namespace

const Command kTrainCommand{{"train", "trains the network and saves its weights", kOptions, "",
                             "Ctrl-C saves a checkpoint and says how to go on; a second one leaves at once. SIGUSR1 saves and goes on."},
                            run_train, true};

}  // namespace cnnc::runtime
