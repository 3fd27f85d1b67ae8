"""Draws a Markdown table's column as bars, readable on light and dark pages. Reads the table from standard input.

Usage: plot.py TITLE COLUMN < TABLE > SVG   (the first number of a cell is its value; rows without one are left out)
"""
import html
import re
import sys

WIDTH, LEFT, ROW, BAR, TOP = 760, 290, 26, 16, 44


def rows(lines, column):
    """Name and value of each row of the first table that has such a column."""
    head = None
    for line in lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None
        if cells is None:
            if head and column in head:
                return
            head = None
        elif head is None:
            head = cells
        elif column in head and not cells[0].startswith("---"):
            number = re.match(r"[\d.]+", cells[head.index(column)])
            if number:
                yield cells[0], float(number.group())


def svg(title, bars):
    most = max(value for _, value in bars)
    height = TOP + ROW * len(bars) + 10
    scale = (WIDTH - LEFT - 60) / most
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">' % (
            WIDTH, height, html.escape(title)),
        # A picture in a page cannot see the page's colours; the reader's own choice it can.
        "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.b{fill:#8c959f}.o{fill:#0969da}.t{font-weight:600}"
        "@media(prefers-color-scheme:dark){text{fill:#d1d9e0}.b{fill:#656d76}.o{fill:#4493f8}}</style>",
        '<text class="t" x="0" y="18">%s</text>' % html.escape(title),
    ]
    for number, (name, value) in enumerate(bars):
        y = TOP + number * ROW
        ours = name.startswith("**")
        plain = html.escape(name.strip("*").replace("`", ""))
        parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y + 13, plain))
        parts.append('<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>' % (
            "o" if ours else "b", LEFT, y, value * scale, BAR))
        parts.append('<text x="%.1f" y="%d">%.2f</text>' % (LEFT + value * scale + 6, y + 13, value))
    return "\n".join(parts + ["</svg>", ""])


def main():
    title, column = sys.argv[1:]
    bars = list(rows(sys.stdin, column))
    if not bars:
        raise SystemExit("there is no table with the column %s" % column)
    sys.stdout.write(svg(title, bars))


if __name__ == "__main__":
    main()
