# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rewrites a C++ source of this project so that each of its mutants can be chosen at run time.

Works on tokens and brackets alone. It relies on the project's style, which the tests of style/ keep: binary operators stand
between blanks, the brackets of templates do not. Lines stay what they are, so that messages name the original's.
"""
import re

TOKEN = re.compile(r'''
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<character>'(?:[^'\\\n]|\\.)*')
  | (?P<number>(?:0[xX][0-9a-fA-F']+|\d[\d']*(?:\.\d+)?(?:[eE][+-]?\d+)?)[uUlLfF]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign><=>|->\*|<<=|>>=|\.\.\.|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||\+=|-=|\*=|/=|%=|&=|\|=|\^=|::|.)
''', re.VERBOSE | re.MULTILINE | re.DOTALL)

INFIX = {   # operator: (what stands before and after the infix, its name, the mutant, the mutant's name)
    '<': ('<', '>', 'Less', '<=', 'LessEqual'), '<=': ('<', '>', 'LessEqual', '<', 'Less'),
    '>': ('<', '>', 'Greater', '>=', 'GreaterEqual'), '>=': ('<', '>', 'GreaterEqual', '>', 'Greater'),
    '==': ('==', '==', 'Equal', '!=', 'NotEqual'), '!=': ('==', '==', 'NotEqual', '==', 'Equal'),
    '+': ('+', '+', 'Plus', '-', 'Minus'), '-': ('+', '+', 'Minus', '+', 'Plus'),
    '*': ('*', '*', 'Times', '+', 'Plus'), '/': ('*', '*', 'Divide', '*', 'Times'), '%': ('*', '*', 'Modulo', '/', 'Divide')}
OPENING = {'(': ')', '[': ']', '{': '}'}
ASSIGNMENTS = {'=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^='}
STOP_WORDS = {'return', 'throw', 'else', 'do', 'case', 'co_return'}
NOT_STATEMENTS = STOP_WORDS | {'if', 'for', 'while', 'switch', 'using', 'delete', 'new', 'default', 'public', 'private', 'goto', 'try',
                               'catch', 'static_assert', 'CNNC_CHECK', 'struct', 'class', 'enum', 'namespace', 'template', 'const',
                               'constexpr', 'auto', 'static', 'extern', 'typedef', 'union', 'friend', 'operator', 'explicit', 'virtual'}
NOTES = re.compile(r'\.(help|note|note_origin)\(')      # beside a message
SAVES_WORK = re.compile(r'!g\.needed\(')     # a gradient that nobody reads is dead code, which drops out
FORMULA = re.compile(r'^[\w\s.+\-*/^(),<=!]+$')
FORMULA_TOKEN = re.compile(r' (\+|-|\*|/|<=|<|==|!=) |\b(\w+)\(|(?<![\w.])(\d+(?:\.\d+)?)(?![\w.])')
FORMULA_OTHER = {'+': '-', '-': '+', '*': '+', '/': '*', '<=': '<', '<': '<=', '==': '!=', '!=': '==', 'max': 'min', 'min': 'max',
                 'exp': 'tanh', 'tanh': 'erf', 'erf': 'tanh', 'sigmoid': 'tanh', 'log': 'log1p', 'log1p': 'log', 'sin': 'cos', 'cos': 'sin',
                 'abs': 'sqrt', 'sqrt': 'abs', 'ceil': 'floor', 'floor': 'ceil'}


def is_formula(text):
    """Whether a string literal holds a formula over numbers: `x0 * (x1 + 1)`, and no sentence."""
    return bool(FORMULA.match(text)) and not re.search(r'[A-Za-z_]\w* +[A-Za-z_]', text) and bool(re.search(r' [+\-*/<=!]+ |^\w+\(x', text))


def formula_mutants(text):
    """The formulas that differ from the given one in an operator, a function or a number."""
    for found in FORMULA_TOKEN.finditer(text):
        group = next(index for index in (1, 2, 3) if found.group(index))
        old = found.group(group)
        if group == 2 and old not in FORMULA_OTHER:
            continue
        new = FORMULA_OTHER[old] if group < 3 else f'({old} + 1)'
        yield old, new, text[:found.start(group)] + new + text[found.end(group):]


class Mutant:
    """One change: `kind` says what it does to `original`, at a line of the source."""

    def __init__(self, number, line, column, kind, original, mutated):
        self.number, self.line, self.column, self.kind, self.original, self.mutated = number, line, column, kind, original, mutated


class Rewriter:
    """Tokens of one source, the wraps and replacements decided on so far, and the mutants they stand for."""

    def __init__(self, text, first_number, skip_functions):
        self.text, self.number = text, first_number
        self.skip_functions = skip_functions
        self.tokens = []        # (text, start, end, kind), without blanks and comments
        for found in TOKEN.finditer(text):
            if found.lastgroup != 'space':
                self.tokens.append((found.group(), found.start(), found.end(), found.lastgroup))
        self.mutants, self.table_texts = [], []
        self.wraps, self.replaced = [], {}
        self.partner = self.match_brackets()
        self.skipped = self.find_skipped()

    # ---- looking around

    def word(self, index):
        return self.tokens[index][0] if 0 <= index < len(self.tokens) else ''

    def is_spaced(self, index):
        """Whether blanks stand on both sides of a token."""
        _, start, end, _ = self.tokens[index]
        return self.text[start - 1].isspace() and self.text[end].isspace()

    def opens_template(self, index):
        return self.word(index) == '<' and not self.text[self.tokens[index][2]].isspace() and \
            self.word(index - 1) != 'operator' and self.tokens[index - 1][3] == 'name'

    def match_brackets(self):
        """The index of the other bracket for each; templates' too."""
        partner, stack = {}, []
        for index, (word, _, _, _) in enumerate(self.tokens):
            if word in OPENING or self.opens_template(index):
                stack.append(index)
            elif word in OPENING.values():
                while stack and self.word(stack[-1]) == '<':
                    stack.pop()
                partner[index] = stack.pop()
                partner[partner[index]] = index
            elif word == '>' and stack and self.word(stack[-1]) == '<' and not self.is_spaced(index):
                partner[index] = stack.pop()
                partner[partner[index]] = index
        return partner

    def skip_members(self, skipped):
        """Initial values of members: every use gives them their own, from the table of attributes."""
        for index, (word, _, _, _) in enumerate(self.tokens):
            if word == 'struct' and self.word(index + 2) == '{':
                skipped.update(range(index, self.partner[index + 2] + 1))

    def find_skipped(self):
        """Tokens that are no run-time code: constants, checks of types, parameters of templates, tables of samples."""
        skipped = set()

        def skip(first, last):
            skipped.update(range(first, last + 1))

        for index, (word, _, _, kind) in enumerate(self.tokens):
            if kind == 'directive':
                skip(index, index)
            elif word == '<' and index in self.partner:
                skip(index, self.partner[index])
            elif word in ('static_assert', 'CNNC_CHECK', 'noexcept', 'requires', 'alignas', 'sizeof') and self.word(index + 1) == '(':
                skip(index, self.partner[index + 1])
            elif word in ('case', 'enum', 'constexpr', 'consteval') and self.word(index - 1) != 'if':
                end = index
                while self.word(end) not in (';', ':') or (word == 'constexpr' and self.word(end) == ':'):
                    is_body = self.word(end) == '{' and (word == 'enum' or self.word(end - 1) in (')', 'const', 'noexcept'))
                    end = self.partner[end] + 1 if self.word(end) in OPENING or self.opens_template(end) else end + 1
                    if is_body:
                        break
                skip(index, end - 1)
            elif word == '[' and self.tokens[index - 1][3] == 'name' and self.tokens[index - 2][3] == 'name' and self.word(index - 2) not in STOP_WORDS:
                skip(index, self.partner[index])        # the size of an array
            elif word == '=' and self.word(index + 1) == '0' and self.word(index + 2) == ';' and self.word(index - 1) in (')', 'const'):
                skip(index, index + 2)
            elif kind == 'name' and self.word(index + 1) == '(' and re.fullmatch(self.skip_functions, word):
                after = self.partner[index + 1] + 1
                if self.word(after) == '{':
                    skip(index, self.partner[after])
            elif word == '.' and self.word(index + 1) == 'samples' and self.word(index + 2) == '=':
                end = index + 3
                while self.word(end) not in (',', '}', ';'):
                    end = self.partner[end] + 1 if self.word(end) in OPENING or self.opens_template(end) else end + 1
                skip(index, end - 1)
        self.skip_members(skipped)
        return skipped

    def backward(self, index, stops):
        """The first token of the operand that ends just before `index`; `stops` end it, as do commas, assignments and statements."""
        first = index
        while first > 0:
            word = self.word(first - 1)
            if word in OPENING or word in (',', ';', ':') or word in stops or word in ASSIGNMENTS or word in STOP_WORDS:
                break
            if word == '}' and self.tokens[first][3] in ('name', 'number') or word == '}' and self.word(first) in '!(':
                break
            if word == ')' and self.tokens[first][3] == 'name':     # `if (…) statement`, `for (…) statement`
                break
            first = self.partner[first - 1] if (first - 1) in self.partner else first - 1
            if first in self.partner and self.partner[first] < first:
                break
        return first

    def forward(self, index, stops):
        """The last token of the operand that begins just after `index`."""
        last = index
        while last + 1 < len(self.tokens):
            word = self.word(last + 1)
            if word in OPENING.values() or word in (',', ';', ':', '?') or word in stops or word in ASSIGNMENTS:
                break
            last = self.partner[last + 1] if (last + 1) in self.partner and self.partner[last + 1] > last else last + 1
        return last

    def postfix_end(self, index):
        """The last token of the postfix expression that begins at `index`."""
        last = self.partner.get(index, index)
        while True:
            word = self.word(last + 1)
            if word in ('(', '[') or (word == '<' and self.opens_template(last + 1) and (last + 1) in self.partner):
                last = self.partner[last + 1]
            elif word in ('.', '->', '::'):
                last += 2
            elif word == '{' and self.tokens[last][3] == 'name' and not self.text[self.tokens[last][2]].isspace():
                last = self.partner[last + 1]
            else:
                return last

    # ---- deciding

    def add(self, index, kind, original, mutated):
        start = self.tokens[index][1]
        line = self.text.count('\n', 0, start) + 1
        column = start - self.text.rfind('\n', 0, start)
        mutant = Mutant(self.number, line, column, kind, original, mutated)
        self.mutants.append(mutant)
        self.number += 1
        return mutant.number

    def source(self, first, last):
        return re.sub(r'\s+', ' ', self.text[self.tokens[first][1]:self.tokens[last][2]])

    def wrap(self, first, last, before, after):
        self.wraps.append((first, last, before, after))

    def rewrite(self):
        """Decides on all mutants and gives the new text."""
        for index in range(len(self.tokens)):
            if index in self.skipped:
                self.constant_table(index)
                continue
            word, _, _, kind = self.tokens[index]
            if word in ('&&', '||') and self.is_spaced(index):
                self.logic(index)
            elif word in INFIX and self.is_spaced(index):
                self.infix(index)
            elif word == '!' and self.word(index + 1) != '=':
                self.negation(index)
            elif word == '?' and self.is_spaced(index):
                self.choice(index)
            elif word == 'if' and self.word(index + 1) == '(':
                self.condition(index)
            elif kind == 'number':
                self.number_literal(index)
            elif word in ('true', 'false'):
                number = self.add(index, 'constant', word, 'false' if word == 'true' else 'true')
                self.replaced[index] = f'({word} != mutants::on({number}))'
            elif kind == 'string' and is_formula(word[1:-1]) and self.tokens[index - 1][3] != 'string' and self.tokens[index + 1][3] != 'string' and self.word(index - 2) not in ('doc', 'example'):
                self.formula(index)
            self.statement(index)
        return self.emit()

    def constant_table(self, index):
        """A formula in a constant table is mutated where the table is read."""
        word, _, _, kind = self.tokens[index]
        is_second = self.tokens[index - 2][3] == 'string' and self.word(index - 3) == '{'
        if kind == 'string' and is_second and is_formula(word[1:-1]):
            for old, new, whole in formula_mutants(word[1:-1]):
                number = self.add(index, 'formula', word[1:-1], whole)
                self.table_texts.append((number, word[1:-1], whole))

    def formula(self, index):
        text = self.tokens[index][0][1:-1]
        result = f'"{text}"'
        for old, new, whole in formula_mutants(text):
            number = self.add(index, 'formula', text, whole)
            result = f'mutants::text({number}, {result}, "{whole}")'
        self.replaced[index] = result

    def infix(self, index):
        word = self.word(index)
        if word in '+' and 'string' in (self.tokens[index - 1][3], self.tokens[index + 1][3]):
            return      # of texts
        if word in '+-*' and (self.word(index - 1) in ASSIGNMENTS or self.word(index - 1) in STOP_WORDS or self.word(index - 1) in OPENING):
            return      # of one operand
        before, after, name, other, other_name = INFIX[word]
        number = self.add(index, 'operator', word, other)
        self.replaced[index] = f'{before} mutants::Infix<{number}, mutants::{name}, mutants::{other_name}>{{}} {after}'

    def logic(self, index):
        word = self.word(index)
        first, last = self.backward(index, {'?'}), self.forward(index, {'||', '&&'} if word == '&&' else {'||'})
        if first == index or last == index:
            return
        other = '||' if word == '&&' else '&&'
        number = self.add(index, 'operator', word, other)
        left = self.add(index, 'operand removed', self.source(first, index - 1), '')
        right = self.add(index, 'operand removed', self.source(index + 1, last), '')
        keep = (lambda n: f'bool(mutants::on({n}) || bool(') if word == '&&' else (lambda n: f'bool(!mutants::on({n}) && bool(')
        self.wrap(first, last, '(', ')')
        self.wrap(first, index - 1, keep(left), '))')
        self.wrap(index + 1, last, keep(right), ')))')
        self.replaced[index] = f'== mutants::on({number}) ? mutants::on({number}) : (' if word == '&&' else \
            f'!= mutants::on({number}) ? !mutants::on({number}) : ('

    def negation(self, index):
        if SAVES_WORK.match(self.source(index, index + 4)):
            return
        last = self.postfix_end(index + 1)
        number = self.add(index, 'negation removed', self.source(index, last), self.source(index + 1, last))
        self.replaced[index] = ''
        self.wrap(index, last, '(', ')')
        self.wrap(index + 1, last, 'bool(', f') == mutants::on({number})')

    def choice(self, index):
        first = self.backward(index, {'?'})
        if first == index:
            return
        number = self.add(index, 'choice swapped', self.source(first, index - 1), '')
        self.wrap(first, index - 1, f'mutants::on({number}) != bool(', ')')

    def condition(self, index):
        """`if (c)` whose branch is never taken; a declaration in it stays."""
        close = self.partner[index + 1]
        first, parts = index + 2, [i for i in range(index + 2, close) if self.word(i) == ';' and self.is_direct(index + 1, i)]
        if parts:
            first = parts[-1] + 1
        if SAVES_WORK.search(self.source(first, close - 1)):
            return
        number = self.add(index, 'branch never taken', self.source(first, close - 1), 'false')
        name = next((i - 1 for i in range(first, close) if self.word(i) == '=' and self.is_direct(index + 1, i)), None)
        if name is not None and not parts and self.word(first) in ('const', 'auto'):
            self.wrap(first, close - 1, '', f'; !mutants::on({number}) && bool({self.word(name)})')
        elif name is None:
            self.wrap(first, close - 1, f'!mutants::on({number}) && bool(', ')')
        else:
            self.mutants.pop()
            self.number -= 1

    def is_direct(self, opening, index):
        """Whether a token lies in these brackets and in no inner ones."""
        at = opening + 1
        while at < index:
            at = self.partner[at] + 1 if at in self.partner and self.partner[at] > at else at + 1
        return at == index

    def number_literal(self, index):
        word = self.word(index)
        if self.word(index - 1) == '<' and self.opens_template(index - 1):
            return
        number = self.add(index, 'constant', word, f'{word} + 1')
        self.replaced[index] = f'(mutants::on({number}) ? {word} + 1 : {word})'

    def statement(self, index):
        """A call or an assignment that is a statement of its own is left out; so are `continue` and `break`."""
        word, _, _, kind = self.tokens[index]
        previous = self.word(index - 1)
        starts = previous in (';', '{', '}', 'else') or (previous == ')' and self.word(self.partner[index - 1] - 1) in ('if', 'for', 'while'))
        if not starts or kind != 'name' or word in NOT_STATEMENTS:
            return
        opening = self.enclosing(index)
        if opening is None or (previous == '{' and self.word(index - 2) not in (')', 'const', 'else', '{', ';', '}', ':') and self.word(index - 2) != 'do'):
            return
        if word in ('continue', 'break'):
            last = index
        else:
            last = self.postfix_end(index)
            is_call = self.word(last) == ')'
            if self.word(last + 1) in ASSIGNMENTS and last + 1 not in self.skipped:
                last = self.forward(last + 1, set())
            elif not is_call:
                return
        if self.word(last + 1) != ';' or not self.in_function(index):
            return
        if NOTES.search(self.source(index, last)):
            return
        number = self.add(index, 'statement removed', self.source(index, last), '')
        self.wrap(index, last + 1, f'{{ if (!mutants::on({number})) ', ' }')

    def enclosing(self, index):
        """The braces directly around a token; nothing if other brackets are nearer."""
        at = index - 1
        while at >= 0:
            if self.word(at) in OPENING and self.partner[at] > index:
                return at if self.word(at) == '{' else None
            at = (self.partner[at] if at in self.partner and self.partner[at] < at else at) - 1
        return None

    def in_function(self, index):
        """Whether the innermost braces around a token are a body: after `)`, its qualifiers, `else` or `do`, or in another body."""
        opening = self.enclosing(index)
        if opening is None:
            return False
        before = opening - 1
        while self.word(before) in ('const', 'override', 'mutable', 'noexcept', 'final'):
            before -= 1
        if self.word(before) in (')', 'else', 'do'):
            return True
        # A return type of a lambda or a list of members' values stands between: look for the parenthesis in this statement.
        while before > 0 and self.word(before) not in (';', '{', '='):
            if self.word(before) in ('struct', 'class', 'namespace', 'enum', 'union'):
                return False
            if self.word(before) == ')':
                return True
            before = (self.partner[before] if before in self.partner and self.partner[before] < before else before) - 1
        return False

    # ---- writing

    def emit(self):
        before, after = {}, {}
        for order, (first, last, opening, closing) in enumerate(self.wraps):
            before.setdefault(first, []).append((-last, order, opening))
            after.setdefault(last, []).append((-first, -order, closing))
        out, at = [], 0
        for index, (word, start, end, _) in enumerate(self.tokens):
            out.append(self.text[at:start])
            out.extend(text for _, _, text in sorted(before.get(index, [])))
            out.append(self.replaced.get(index, word))
            out.extend(text for _, _, text in sorted(after.get(index, [])))
            at = end
        out.append(self.text[at:])
        return ''.join(out)
