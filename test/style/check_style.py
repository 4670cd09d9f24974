# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules for the source files that a compiler does not check; each is run by a lit test beside this file.

usage: check_style.py RULE ROOT     RULE: includes, diagnostics, sizes, headers, machine
Reads the files that git tracks below ROOT (all files where ROOT is no git repository), prints a line for each violation, and
exits with 1 if there is one.
"""
import pathlib
import re
import subprocess
import sys

# What each folder of compiler/ may include: folders, or single headers. `Halide` and `llvm` are the libraries; `grammar` is
# generated from grammar/. The same arrows are drawn in compiler/README.md and linked in the CMakeLists.txt of the folders.
COMPILER = {
    'support': [],
    'syntax': ['support', 'grammar'],
    'ir': ['support'],
    'sema': ['support', 'syntax', 'ir'],
    'autodiff': ['support', 'ir'],
    'optimize': ['support', 'ir'],
    'schedule': ['support', 'ir', 'grammar'],
    'interop': ['support', 'ir'],
    'lower': ['support', 'ir', 'schedule', 'Halide'],
    'ops': ['support', 'ir', 'autodiff/gradient_builder.h'],
    'codegen': ['support', 'ir', 'schedule', 'lower', 'Halide', 'llvm'],
    'tune': ['support', 'ir', 'schedule', 'codegen'],
    'driver': ['support', 'syntax', 'ir', 'sema', 'autodiff', 'optimize', 'schedule', 'interop', 'lower', 'ops', 'codegen', 'tune', 'llvm'],
}
# What every folder of compiler/ may include of the runtime, and what the folders of runtime/ may include of each other.
RUNTIME_FOR_COMPILER = ['runtime/formats', 'runtime/abi', 'runtime/machine', 'runtime/settings']
RUNTIME = {
    'formats': [],
    'abi': [],
    'machine': [],
    'settings': ['runtime/formats', 'runtime/abi'],
    'program': ['runtime/formats', 'runtime/abi', 'runtime/machine', 'runtime/settings'],
}

CODE = ('.cpp', '.h', '.c', '.l', '.y', '.py')
LONGEST = 500


def tracked_files(root):
    """Paths relative to `root`; files that git tracks but that are gone from the working tree are left out."""
    if (root / '.git').exists():
        done = subprocess.run(['git', '-C', root, 'ls-files', '-z'], capture_output=True, check=True)
        names = done.stdout.decode().split('\0')[:-1]
    else:
        names = [str(path.relative_to(root)) for path in root.rglob('*')]
    return sorted(pathlib.PurePosixPath(name) for name in names if (root / name).is_file())


def text_of(root, file):
    return (root / file).read_text(encoding='utf-8', errors='replace')


def may_include(file, header):
    """Whether the table lets `file` include `header` (as written, without quotes)."""
    area, folder = file.parts[0], file.parts[1]
    if area == 'runtime':
        inside_compiler = header.split('/')[0] in COMPILER or header.startswith('compiler/')
        own = ('runtime/' + folder + '/',)
        if header.startswith('runtime/'):
            return header.startswith(own + tuple(name + '/' for name in RUNTIME[folder]))
        return not inside_compiler and not header.startswith(('Halide', 'llvm'))
    if header.startswith('runtime/'):
        return header.startswith(tuple(name + '/' for name in RUNTIME_FOR_COMPILER))
    first = re.split(r'[/.]', header)[0]
    known = first in COMPILER or first in ('Halide', 'grammar', 'llvm', 'llvm-c')
    return not known or first == folder or first.replace('llvm-c', 'llvm') in COMPILER[folder] or header in COMPILER[folder]


def includes(root):
    """Includes between the folders of compiler/ and runtime/ follow the table above."""
    for file in tracked_files(root):
        if file.suffix not in ('.cpp', '.h', '.c', '.l', '.y', '.inc') or len(file.parts) < 3:
            continue
        area, folder = file.parts[0], file.parts[1]
        if area not in ('compiler', 'runtime'):
            continue
        if folder not in (COMPILER if area == 'compiler' else RUNTIME):
            yield f'{file}: the folder {area}/{folder} is not in the table of test/style/check_style.py'
            continue
        for number, line in enumerate(text_of(root, file).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
            if match and not may_include(file, match.group(1)):
                yield f'{file}:{number}: {area}/{folder} may not include {match.group(1)}'


def diagnostics(root):
    """Every kind of diagnostic has a test that mentions its text in brackets."""
    kinds = re.findall(r'^DIAGNOSTIC\(\w+, "([^"]+)"\)', text_of(root, 'compiler/support/diagnostic_kinds.inc'), re.MULTILINE)
    tests = '\n'.join(text_of(root, file) for file in tracked_files(root)
                      if file.parts[0] == 'test' and file.parts[1] not in ('style', 'fuzz', 'support') and file.suffix != '.md')
    if not kinds:
        yield 'compiler/support/diagnostic_kinds.inc: no kinds found'
    for kind in kinds:
        if f'[{kind}]' not in tests:
            yield f'compiler/support/diagnostic_kinds.inc: no test under test/ mentions [{kind}]'


def sizes(root):
    """Source files are short enough to be read at one sitting; prints the ten largest."""
    counted = sorted(((len(text_of(root, file).splitlines()), file) for file in tracked_files(root) if file.suffix in CODE),
                     reverse=True)
    for lines, file in counted[:10]:
        print(f'{lines:6} {file}')
    for lines, file in counted:
        if lines > LONGEST:
            yield f'{file}: {lines} lines; the limit is {LONGEST}'


def headers(root):
    """A source file begins with the SPDX line and says what it does; lists say what they are."""
    for file in tracked_files(root):
        head = text_of(root, file).splitlines()[:4]
        script = bool(head) and head[0].startswith('#!')
        if file.suffix in CODE or script or (file.suffix == '.cnn' and file.parts[0] in ('examples', 'library')):
            place = next((i for i, line in enumerate(head) if 'SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception' in line), None)
            if place is None or place > 1:
                yield f'{file}:1: the SPDX line is missing'
                continue
            head = head[place + 1:]
            if not head or not re.match(r'\s*(//|#|/?\*|"""|[A-Z])', head[0]):
                yield f'{file}:{place + 2}: a comment that says what the file does is missing'
        elif file.suffix in ('.cmake', '.inc'):
            if not head or not head[0].startswith(('#', '//')):
                yield f'{file}:1: a comment that says what the file does is missing'


def machine(root):
    """No file names a host that packages come from, or a path of the machine that it was written on."""
    pattern = re.compile(r'pypi[.]org|pythonhosted[.]org|(deb|security|snapshot)[.]debian[.]org|crates[.]io|npmjs[.]|'
                         r'golang[.]org|nodesource[.]com|conda[.](io|org)|(?<![\w.$}])/(work|root|home|farm|Users)/')
    for file in tracked_files(root):
        content = (root / file).read_bytes()
        if b'\0' in content:
            continue
        for number, line in enumerate(content.decode(errors='replace').splitlines(), 1):
            match = pattern.search(line)
            if match:
                yield f'{file}:{number}: {match.group(0)} stands in a tracked file'


RULES = {rule.__name__: rule for rule in (includes, diagnostics, sizes, headers, machine)}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in RULES:
        sys.exit(__doc__)
    violations = list(RULES[sys.argv[1]](pathlib.Path(sys.argv[2])))
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == '__main__':
    sys.exit(main())
