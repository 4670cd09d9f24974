# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The lit suites: every *.test, *.cnn and *.ir below test/ with RUN lines, checked by FileCheck.
# Reads what lit.site.cfg.py of the build folder set. test/README.md lists the substitutions and features.
import os
import subprocess

import lit.formats

config.name = 'cnnc'
# lit's own shell: pipes, redirections, && and globs; a test that needs loops or $(…) writes `bash -c '…'`.
config.test_format = lit.formats.ShTest()
config.suffixes = ['.test', '.cnn', '.ir']
config.excludes = ['Inputs']
config.test_source_root = os.path.join(config.source_root, 'test')
config.test_exec_root = os.path.join(config.build_root, 'test')

binaries = os.path.join(config.build_root, 'bin')
cnnc = lit_config.params.get('cnnc', os.path.join(binaries, 'cnnc'))      # test/mutants names another
python = os.path.join(config.source_root, '.venv', 'bin', 'python')

config.substitutions += [
    ('%cnnc', cnnc),
    ('%python', python),
    ('%examples', os.path.join(config.source_root, 'examples')),
    ('%numeric', os.path.join(config.source_root, 'test', 'numeric')),
    ('%source', config.source_root),
    ('%build', config.build_root),
    ('%cc', config.c_compiler),
    ('%sanitize', '-fsanitize=address,undefined' if config.sanitize else ''),
]

# Tests see a plain environment: no colour, no locale, no user's data sets; kernels are compiled once for all tests.
config.environment.update({
    'PATH': os.pathsep.join([config.llvm_tools, os.path.dirname(python), os.environ['PATH']]),
    'LC_ALL': 'C.UTF-8',
    'CNNC_CACHE': os.path.join(config.build_root, 'test-kernel-cache'),
    'PYTHONDONTWRITEBYTECODE': '1',
    'OMP_NUM_THREADS': '2',
})

# The tests of test/mutants run suites with a compiler that holds a defect: what it writes is kept apart.
if 'cnnc' in lit_config.params:
    config.test_exec_root = lit_config.params['scratch']
    config.environment['CNNC_CACHE'] = ''
    for name in ('CNNC_MUTANT', 'CNNC_MUTANTS_REACHED'):
        if name in os.environ:
            config.environment[name] = os.environ[name]

# A test that hangs fails after this many seconds; sanitizers slow down what they watch.
config.maxIndividualTestTime = 900 if config.sanitize or config.sanitize_threads else 300

if config.sanitize:
    config.available_features.add('asan')
    # Halide and LLVM keep what they allocate until the process ends.
    config.environment['ASAN_OPTIONS'] = 'detect_leaks=0:abort_on_error=0'
    config.environment['UBSAN_OPTIONS'] = 'print_stacktrace=1'
if config.sanitize_threads:
    config.available_features.add('tsan')
    if 'TSAN_OPTIONS' in os.environ:
        config.environment['TSAN_OPTIONS'] = os.environ['TSAN_OPTIONS']


def has_avx512():
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        return any(line.startswith('flags') and ' avx512f ' in line + ' ' for line in file)


def strace_works():
    """Whether a process may watch another one here: some containers forbid it."""
    command = ['strace', '-qq', '-o', os.devnull, '-e', 'inject=rename:error=EIO', 'true']
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# Every compiler builds programs; tests of whole programs say that they need one.
config.available_features.add('end-to-end')
if has_avx512():
    config.available_features.add('avx512')
if os.path.exists(os.path.join(config.build_root, 'mutants', 'cnnc')):
    config.available_features.add('mutants')
if not config.sanitize and os.path.exists(os.path.join(config.source_root, 'build', 'fuzz', 'bin', 'fuzz_source_text')):
    config.available_features.add('fuzz')      # scripts/test builds the preset `fuzz` where there is Clang
if os.path.isdir('/usr/share/datasets/fashion-mnist'):
    config.available_features.add('fashion-mnist')
if strace_works():
    config.available_features.add('strace')
else:
    lit_config.note('STRACE DOES NOT WORK HERE: the tests of failing system calls (test/faults/failing_*.test) do not run')
