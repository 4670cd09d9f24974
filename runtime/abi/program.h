/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 * The contract between generated code and whoever runs it (the runtime, the compiler when it runs code at once, other hosts).
 * The compiler emits one constant `cnn_program`; `main` is `return cnn_main(argc, argv, &program);`.
 *
 * Invariants: everything here is constant data; generated code has no globals that are written, allocates nothing, prints
 * nothing, and checks nothing but `context->stop`. Whoever calls checks pointers, sizes and the batch.
 */
#ifndef CNN_ABI_PROGRAM_H
#define CNN_ABI_PROGRAM_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever a struct below changes; the runtime refuses other versions. */
#define CNN_ABI_VERSION 5

/* How the runtime lays out memory: each buffer begins at a multiple of CNN_ALIGNMENT bytes, and at least CNN_SPARE bytes that
 * nobody uses follow it, because vector code may read a little beyond the end. `cnnc summary` counts by the same rule. */
enum cnn_memory_rule { CNN_ALIGNMENT = 64, CNN_SPARE = 64 };

enum cnn_element { CNN_F32 = 0, CNN_F64 = 1, CNN_I32 = 2, CNN_U8 = 3 };

/* What generated functions return. */
enum cnn_result { CNN_OK = 0, CNN_STOPPED = 1 };

/* What a call may use; a null pointer to it, or null members, mean: serial, never stopped, not profiled. */
typedef struct cnn_context {
  /* Runs task(user, i, closure) for i in [begin, begin + count), in any order and on any threads; returns 0 or the first
   * non-zero result of a task. `user` is this context. */
  int32_t (*parallel_for)(void* pool, int32_t (*task)(void* user, int32_t i, uint8_t* closure), void* user, int32_t begin,
                          int32_t count, uint8_t* closure);
  void* pool;
  /* Read before each kernel: not zero ends the call with CNN_STOPPED. Results are then undefined. */
  const volatile int32_t* stop;
  /* Called after each kernel with its index in the function's table: for `bench`, and to find where a NaN was born. */
  void (*kernel_done)(void* profile, int32_t kernel);
  void* profile;
  /* Tasks that parallel_for runs at a time; 0: not known. */
  int32_t threads;
} cnn_context;

/* Flat buffers and the fixed places of their pointers in `buffers`; the columns of a function follow from CNN_COLUMNS on.
 * All buffers are aligned to 64 bytes. */
enum cnn_buffer {
  CNN_WEIGHTS = 0,      /* all weights, at cnn_tensor.offset, framework layout (conv OIHW, dense [out, in]) */
  CNN_STATES = 1,       /* running statistics */
  CNN_PREPARED = 2,     /* what `prepare` made; its layout is the compiler's secret */
  CNN_GRADIENTS = 3,    /* same layout as the weights */
  CNN_NEXT_STATES = 4,  /* same layout as the states: committed by copying after the step */
  CNN_MOMENTS = 5,      /* optimizer state: moment m at m * weight_elements */
  CNN_SCALARS = 6,      /* 8 bytes a scalar, each in its own element type at the start of its cell */
  CNN_COLUMNS = 7
};

enum cnn_role {         /* of a column */
  CNN_INPUT = 0, CNN_LABEL = 1, CNN_SAMPLE_INDEX = 2, CNN_OUTPUT = 3, CNN_LOSS = 4, CNN_METRIC = 5,
  CNN_PARAMETERS = 6    /* update only: see cnn_program.update */
};

/* A weight or state. Dims are outermost first; offsets count elements and are multiples of 16. */
typedef struct cnn_tensor {
  const char* name;
  const char* group;        /* "weight", "bias" or "norm" */
  int32_t rank;
  const int64_t* dims;
  int64_t offset, elements;
  /* How it starts: see docs/language.md, initialisers. */
  const char* initialiser;
  double value, second;
  int64_t fan_in, fan_out;
} cnn_tensor;

/* A batched argument or result of a function: planar, one image after the other, `elements` each. */
typedef struct cnn_column {
  const char* name;
  int32_t role, element, rank;
  const int64_t* dims;
  int64_t elements;         /* of one image */
} cnn_column;

typedef struct cnn_kernel {
  const char* name;         /* "conv1+relu": layers in the source */
  const char* op;           /* the template, "conv.lanes" */
  double multiply_adds;     /* for one image, as program.md counts them; training kernels count their own */
  /* Bytes of the values that a call reads and writes, each once: for an image (of `update`: an element), and for any batch. */
  double read_per_image, written_per_image, read_fixed, written_fixed;
  int64_t images;           /* that a call gets at most: fewer than the batch in a chain of kernels; 0: the whole batch */
  const char* source;       /* "lenet.cnn:8:8, lenet.cnn:9:8": file (without its folder), line and column of what went into it; or "" */
} cnn_kernel;

typedef struct cnn_scalar {
  const char* name;         /* rate, decay, step, seed, epoch, images, or an argument of the optimizer */
  int32_t element;
} cnn_scalar;

/* A compiled function. `buffers` has CNN_COLUMNS + columns pointers; unused ones may be null. The batch is the number of
 * images, >= 1. Columns must have room for `batch` rounded up to a multiple of `group` images; what is beyond the batch is
 * unspecified. The workspace has workspace_fixed + workspace_per_group * ceil(batch / group) bytes. */
typedef struct cnn_function {
  const char* name;
  int32_t (*call)(void* const* buffers, int64_t batch, void* workspace, const cnn_context* context);
  int32_t group;
  int64_t workspace_fixed, workspace_per_group;
  int32_t column_count;
  const cnn_column* columns;
  int32_t scalar_count;
  const cnn_scalar* scalars;      /* cell i of CNN_SCALARS is scalars[i] */
  int32_t kernel_count;
  const cnn_kernel* kernels;
} cnn_function;

typedef struct cnn_setting {
  const char* name;
  const char* text;               /* canonical text of the language: sgd(rate: 0.05, momentum: 0.9) */
} cnn_setting;

/* One `train` block: its functions and what the file sets (the runtime knows the defaults). */
typedef struct cnn_recipe {
  const char* name;
  int32_t setting_count;
  const cnn_setting* settings;
  int32_t class_count;
  const char* const* classes;
  /* gradients: loss, metrics, gradients, next states. evaluate: outputs, loss, metrics from prepared weights.
   * update: one elementwise pass over flat buffers; its "batch" is the number of elements, columns have role
   * CNN_PARAMETERS and are in this order: weights, gradients, moments…, new weights, new moments… (may be the same memory).
   * Null where there is nothing to train. */
  const cnn_function* gradients;
  const cnn_function* update;
  const cnn_function* evaluate;
  int32_t moment_count;
  const char* const* moment_names;
  const char* optimizer;          /* its name; changing it with --set is an error that says so */
  int32_t softmax_output;         /* predict applies softmax: the loss is cross_entropy and the network does not end in it */
} cnn_recipe;

typedef struct cnn_layer {        /* for `info`: one line a layer */
  const char* name;
  const char* kind;
  const char* shape;              /* of its output, "16x10x10" */
  int64_t parameters;
  double multiply_adds;
} cnn_layer;

typedef struct cnn_program {
  int32_t abi_version;
  int32_t element;                /* CNN_F32, or CNN_F64 under --type f64 */
  const char* network;
  const char* compiler;           /* "cnnc 0.1.0" */
  const char* target;             /* "x86-64-linux-avx512" … */
  const char* const* required_features;   /* names as in /proc/cpuinfo; the runtime checks them before any kernel runs */
  int32_t required_feature_count;
  int32_t weight_count, state_count;
  const cnn_tensor* weights;
  const cnn_tensor* states;
  int64_t weight_elements, state_elements, prepared_bytes;
  const cnn_function* prepare;    /* weights, states -> prepared; batch 1 */
  const cnn_function* infer;      /* prepared -> outputs */
  int32_t recipe_count;
  const cnn_recipe* recipes;
  int32_t layer_count;
  const cnn_layer* layers;
  /* Embedded by --weights: ready for the kernels, and the weights themselves (null when absent). */
  const void* embedded_prepared;
  const void* embedded_weights;
  const void* embedded_states;
} cnn_program;

/* The whole command line of a built program; defined by libcnnrt.a. Returns the exit status. */
int cnn_main(int argc, char** argv, const cnn_program* program);

#ifdef __cplusplus
}
#endif
#endif
