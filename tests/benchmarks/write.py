"""Puts a run's output into a document, between the comments that name its place.

Usage: write.py NAME DOCUMENT < OUTPUT   (replaces what is between <!-- NAME --> and <!-- end of NAME -->)
"""
import pathlib
import sys


def main():
    name, document = sys.argv[1], pathlib.Path(sys.argv[2])
    text = document.read_text()
    start, end = "<!-- %s -->\n" % name, "<!-- end of %s -->" % name
    if text.count(start) != 1 or text.count(end) != 1:
        raise SystemExit("%s has no place for %s: %s and %s" % (document, name, start.strip(), end))
    before, rest = text.split(start)
    document.write_text("%s%s\n%s\n\n%s%s" % (before, start, sys.stdin.read().strip(), end, rest.split(end)[1]))


if __name__ == "__main__":
    main()
