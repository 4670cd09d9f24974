# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plots as SVG text: bars of ratios, and lines over one number. Names are escaped."""
import math
from xml.sax.saxutils import escape

COLOURS = ('#1b6ca8', '#c8553d', '#3a7d44', '#8e5aa8', '#b8860b', '#555555')


def number(value):
    return f'{value:.4g}'


def text(x, y, words, anchor='start', size=12, weight='normal'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">'
            f'{escape(str(words))}</text>')


def line(x1, y1, x2, y2, colour='#cccccc', width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def document(width, height, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif">')
    return '\n'.join([head, f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>', *parts, '</svg>', ''])


def ticks(low, high):
    """Numbers 1, 2 and 5 times a power of ten between the two; at least the powers of ten around them."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step * 10.0 ** e for e in exponents for step in (1, 2, 5) if low <= step * 10.0 ** e <= high * (1 + 1e-9)]


def ratio_bars(title, rows):
    """rows: (label, ratio, note). Bars from 1 on a logarithmic axis: to the right where cnnc is faster, to the left where slower."""
    left, top, high, wide = 230, 60, 20, 460
    ratios = [ratio for _, ratio, _ in rows] or [1.0]
    low, most = min(0.5, *ratios), max(2.0, *ratios)

    def place(value):
        return left + wide * math.log(value / low) / math.log(most / low)
    bottom = top + high * len(rows)
    parts = [text(10, 24, title, size=15, weight='bold'),
             text(10, 42, 'time of the fastest peer / time of cnnc: right of 1 cnnc is faster', size=11)]
    for tick in ticks(low, most):
        parts += [line(place(tick), top - 6, place(tick), bottom), text(place(tick), top - 8, number(tick), 'middle', 10)]
    for i, (label, ratio, note) in enumerate(rows):
        y, from_x, to_x = top + high * i, *sorted((place(1.0), place(ratio)))
        colour = COLOURS[0] if ratio >= 1 else COLOURS[1]
        parts += [text(left - 8, y + 14, label, 'end', 11),
                  f'<rect x="{from_x:.1f}" y="{y + 3}" width="{max(to_x - from_x, 1):.1f}" height="{high - 6}" fill="{colour}"/>',
                  text(left + wide + 8, y + 14, f'{ratio:.2f}  {note}', size=11)]
    parts.append(line(place(1.0), top - 6, place(1.0), bottom, '#000000', 1.5))
    return document(left + wide + 220, bottom + 20, parts)


def lines(title, x_name, y_name, series):
    """series: {name: [(x, y)]}, both axes logarithmic, all numbers positive."""
    left, top, wide, high = 70, 60, 520, 320
    points = [point for values in series.values() for point in values]
    if not points:
        return document(left + wide, top + high, [text(10, 24, title, size=15), text(10, 50, 'nothing was measured')])

    def axis(values):
        low, most = min(values), max(values)
        return (low / 1.2, most * 1.2) if most > low * 1.2 else (low / 2, most * 2)
    (x_low, x_most), (y_low, y_most) = axis([x for x, _ in points]), axis([y for _, y in points])

    def place(x, y):
        return (left + wide * math.log(x / x_low) / math.log(x_most / x_low),
                top + high - high * math.log(y / y_low) / math.log(y_most / y_low))
    parts = [text(10, 24, title, size=15, weight='bold'), text(left, top - 12, y_name, size=11),
             text(left + wide, top + high + 36, x_name, 'end', 11)]
    for x in sorted({x for x, _ in points}):
        at = place(x, y_low)[0]
        parts += [line(at, top, at, top + high, '#eeeeee'), text(at, top + high + 16, number(x), 'middle', 10)]
    for y in ticks(y_low, y_most):
        at = place(x_low, y)[1]
        parts += [line(left, at, left + wide, at), text(left - 6, at + 4, number(y), 'end', 10)]
    for i, (name, values) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        where = [place(x, y) for x, y in sorted(values)]
        path = ' '.join(f'{x:.1f},{y:.1f}' for x, y in where)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in where]
        parts += [line(left + wide + 12, top + 18 * i + 6, left + wide + 30, top + 18 * i + 6, colour, 2),
                  text(left + wide + 36, top + 18 * i + 10, name, size=11)]
    return document(left + wide + 190, top + high + 50, parts)
