# SPDX-License-Identifier: GPL-2.0-or-later
"""Draws the charts of report as SVG: bars, and spans on a logarithmic axis.

The charts are narrow, so that they can be read on a small page, too. They have colours
for light and for dark pages.
"""
import html
import math

WIDTH = 560
MARGIN = 12
ROW = 14        # height of a bar or a span
# For each class of rows: its colour on a light and on a dark page.
COLOURS = {"ours": ("#0969da", "#4493f8"), "family": ("#0969da", "#4493f8"),
           "rtnetlink": ("#1a7f37", "#3fb950"), "intree": ("#bf5700", "#f0883e"),
           "bfifo": ("#6e7781", "#9198a1"), "pfifo_fast": ("#afb8c1", "#656c76")}


def style():
    light = "\n".join(f".{name} {{ fill: {c[0]}; stroke: {c[0]}; }}" for name, c in COLOURS.items())
    dark = "\n".join(f".{name} {{ fill: {c[1]}; stroke: {c[1]}; }}" for name, c in COLOURS.items())
    return f"""<style>
text {{ font: 12px sans-serif; fill: #24292f; }}
.title {{ font-size: 13px; font-weight: bold; }}
.group {{ font-weight: bold; }}
.small {{ font-size: 11px; fill: #57606a; }}
.page {{ fill: #ffffff; }}
.grid {{ stroke: #d0d7de; }}
.span {{ stroke-width: 4; opacity: .45; }}
.tick {{ stroke-width: 2; }}
.bar {{ stroke: none; }}
{light}
@media (prefers-color-scheme: dark) {{
text {{ fill: #e6edf3; }}
.small {{ fill: #9198a1; }}
.page {{ fill: #0d1117; }}
.grid {{ stroke: #3d444d; }}
{dark}
}}
</style>
"""


def decades(values):
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


class Chart:
    """Rows of text and shapes, from the top down. The next row begins at y."""

    def __init__(self, label):
        self.label = label
        self.parts = []
        self.y = MARGIN

    def text(self, x, text, what="", anchor="start", y=None):
        """Writes text on the line that begins at y (default: the next row)."""
        self.parts.append(f'<text x="{x:.0f}" y="{(self.y if y is None else y) + 11:.0f}" '
                          f'class="{what}" text-anchor="{anchor}">{html.escape(text)}</text>')

    def line(self, x1, y1, x2, y2, what):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'class="{what}"/>')

    def dot(self, x, y, what):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="{what}"/>')

    def heading(self, text, what="title"):
        self.text(MARGIN, text, what)
        self.y += 20

    def bars(self, groups, left=96):
        """Draws bars. groups: title -> rows of class, title, value. The longest bar
        fills the width."""
        most = max(value for rows in groups.values() for _, _, value in rows)
        room = WIDTH - left - MARGIN - 60
        for group, rows in groups.items():
            self.text(MARGIN, group, "group")
            self.y += ROW + 2
            for name, title, value in rows:
                length = value / most * room
                self.text(left - 6, title, "small", "end")
                self.parts.append(f'<rect x="{left}" y="{self.y + 1:.0f}" width="{length:.1f}" '
                                  f'height="{ROW - 3}" class="{name} bar"/>')
                self.text(left + length + 5, f"{value:,.0f}", "small")
                self.y += ROW
            self.y += 6
        self.y += 8

    def key(self, entries):
        """Draws a key with one line for each entry: class, title."""
        for name, title in entries:
            self.line(MARGIN + 4, self.y + 7, MARGIN + 24, self.y + 7, f"{name} span")
            self.dot(MARGIN + 4, self.y + 7, name)
            self.text(MARGIN + 32, title, "small")
            self.y += 15
        self.y += 6

    def spans(self, groups, decades, unit):
        """Draws spans. groups: title -> rows of class, first, middle, last. A span goes
        from first to last, with a dot at first and a tick at middle. decades: the
        powers of ten at the ends of the axis."""
        low, high = decades
        left, right = MARGIN + 4, WIDTH - MARGIN - 64

        def place(value):
            return left + (math.log10(value) - low) / (high - low) * (right - left)

        top = self.y + 16
        bottom = top + sum(ROW + 8 + len(rows) * (ROW - 1) for rows in groups.values())
        for power in range(low, high + 1):
            x = place(10 ** power)
            self.text(x, f"{10 ** power:,}" + (f" {unit}" if power == high else ""), "small",
                      "start" if power == low else "middle")
            self.line(x, top, x, bottom, "grid")
        self.y = top + 2
        for group, rows in groups.items():
            self.text(left + 4, group)
            self.y += ROW + 2
            for name, first, middle, last in rows:
                y = self.y + 6
                self.line(place(first), y, place(last), y, f"{name} span")
                self.line(place(middle), y - 5, place(middle), y + 5, f"{name} tick")
                self.dot(place(first), y, name)
                self.text(place(last) + 5, f"{last:,.0f}", "small", y=self.y - 1)
                self.y += ROW - 1
            self.y += 6
        self.y = bottom + 14

    def write(self, path):
        height = self.y + MARGIN - 8
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
                       f'width="{WIDTH}" height="{height:.0f}" role="img" '
                       f'aria-label="{html.escape(self.label)}">\n{style()}'
                       f'<rect width="{WIDTH}" height="{height:.0f}" class="page"/>\n' +
                       "\n".join(self.parts) + "\n</svg>\n")
