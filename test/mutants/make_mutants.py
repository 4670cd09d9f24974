# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the rewritten sources, and the table of their mutants, into a folder of the build. Called by CMake.

The sources are given relative to the repository; OUT/<source> is the rewritten one, OUT/mutants.tsv the table and
OUT/mutants_table.inc what mutants.cpp needs of it.
"""
import argparse
import pathlib

import rewrite

# Functions that hold no code of the product: samples of ops, which are the tests' inputs, and their helpers; the tables of ops,
# whose numbers are the samples'.
SKIPPED_FUNCTIONS = r'samples|cases|sample|image|\w+_ops'

# Constant tables: the texts of the second column are mutated where this is read.
TABLES = {'compiler/ops/activations.cpp': ('formula(row.formula,', 'formula(mutants::table_text(row.formula),'),
          'compiler/ops/arithmetic.cpp': ('formula(row.formula,', 'formula(mutants::table_text(row.formula),')}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repository', type=pathlib.Path, required=True)
    parser.add_argument('--out', type=pathlib.Path, required=True)
    parser.add_argument('sources', nargs='+')
    options = parser.parse_args()

    rows, texts, number = [], [], 1
    for source in options.sources:
        path = options.repository / source
        text = path.read_text(encoding='utf-8')
        rewriter = rewrite.Rewriter(text, number, SKIPPED_FUNCTIONS)
        result = rewriter.rewrite()
        if source in TABLES:
            old, new = TABLES[source]
            if old not in result:
                raise SystemExit(f'{source}: `{old}` is not there')
            result = result.replace(old, new)
        elif rewriter.table_texts:
            raise SystemExit(f'{source}: formulas in a constant table, which no line of TABLES reads')
        number = rewriter.number
        lines = text.splitlines()
        for mutant in rewriter.mutants:
            rows.append('\t'.join([str(mutant.number), source, str(mutant.line), str(mutant.column), mutant.kind, mutant.original,
                                   mutant.mutated, lines[mutant.line - 1].strip()]))
        texts += rewriter.table_texts
        write(options.out / source, f'#include "mutants.h"\n#line 1 "{path}"\n{result}')
    write(options.out / 'mutants.tsv', '\n'.join(rows) + '\n')
    table = ''.join(f'    {{{n}, "{original}", "{mutated}"}},\n' for n, original, mutated in texts)
    write(options.out / 'mutants_table.inc',
          f'constexpr int kCount = {number - 1};\nstruct TableText {{\n  int number;\n  const char *original, *mutated;\n}};\n'
          f'constexpr TableText kTableTexts[] = {{\n{table}}};\n')


def write(path, text):
    """Leaves a file with the same text alone, so that it is not compiled again."""
    if path.exists() and path.read_text(encoding='utf-8') == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
