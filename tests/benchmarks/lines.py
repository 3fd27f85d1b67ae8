"""Draws how the time of several things grows, both axes by powers of ten, readable on light and dark pages.

Usage: lines.py TITLE < TABLE > SVG   (columns: what, any, times the least, time of the least's; a name for each line)
"""
import html
import math
import re
import sys

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 820, 420, 60, 40, 40, 290
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989")
DARK = ("#4493f8", "#f0883e", "#3fb950", "#ab7df8", "#db61a2")


def series(lines):
    """Points of each name of the table."""
    found = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) > 3 and re.match(r"[\d.]", cells[2]):
            found.setdefault(cells[0], []).append((float(cells[2]), float(cells[3])))
    return found


class Scale:
    """Powers of ten from one pixel to another."""

    def __init__(self, values, start, end):
        self.low, self.high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.start, self.step = start, (end - start) / max(1, self.high - self.low)

    def __call__(self, value):
        return self.start + (math.log10(value) - self.low) * self.step

    def powers(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def svg(title, found):
    points = [point for each in found.values() for point in each]
    across = Scale([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = Scale([y for _, y in points], HEIGHT - BOTTOM, TOP)
    colours = ["".join(".l%d{stroke:%s}.n%d{fill:%s}" % (number, colour, number, colour) for number, colour in enumerate(palette))
               for palette in (COLOURS, DARK)]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">' % (WIDTH, HEIGHT, html.escape(title)),
        # A picture in a page cannot see the page's colours; the reader's own choice it can.
        "<style>text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}path{fill:none;stroke-width:2}"
        ".g{stroke:#8c959f;stroke-width:.5}.d{stroke:#8c959f;stroke-dasharray:6 4}%s"
        "@media(prefers-color-scheme:dark){text{fill:#d1d9e0}%s}</style>" % tuple(colours),
        '<text class="t" x="0" y="18">%s</text>' % html.escape(title),
    ]
    for value in across.powers():
        parts.append('<path class="g" d="M%.1f %d V%d"/>' % (across(value), TOP, HEIGHT - BOTTOM))
        parts.append('<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (across(value), HEIGHT - BOTTOM + 18, "{:,.0f}".format(value)))
    for value in up.powers():
        parts.append('<path class="g" d="M%d %.1f H%d"/>' % (LEFT, up(value), WIDTH - RIGHT))
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (LEFT - 6, up(value) + 4, "{:,g}".format(value)))
    # As much longer as there is more.
    end = min(across.powers()[-1], up.powers()[-1])
    parts.append('<path class="d" d="M%.1f %.1f L%.1f %.1f"/>' % (across(1), up(1), across(end), up(end)))
    for number, (name, line) in enumerate(found.items()):
        parts.append('<path class="l%d" d="M%s"/>' % (number, " L".join("%.1f %.1f" % (across(x), up(y)) for x, y in line)))
        parts.append('<text class="n%d" x="%d" y="%d">%s</text>' % (number, WIDTH - RIGHT + 12, TOP + 14 + 20 * number, html.escape(name)))
    return "\n".join(parts + ["</svg>", ""])


def main():
    found = series(sys.stdin)
    if not found:
        raise SystemExit("there is no table of growth")
    sys.stdout.write(svg(sys.argv[1], found))


if __name__ == "__main__":
    main()
