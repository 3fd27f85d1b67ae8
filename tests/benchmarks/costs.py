"""Where the daemon's CPU goes: what perf saw most of in an upload, in one with digests, and in a read.

Usage: costs.py WORK_DIRECTORY SIDECAR CLIENT [--mib N]   (SIDECAR keeps its symbols)
"""
import argparse
import contextlib
import pathlib
import re
import signal
import subprocess

from contenders import Sidecar, by_client, wait_for
from tables import table

SHOWN = 8
ROUNDS = 5
DIGESTS = ("--Staging:Digests:0", "md5", "--Staging:Digests:1", "sha512")


@contextlib.contextmanager
def sampled(sidecar, data):
    """Samples the process while the block runs."""
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-F", "997", "-o", data, "-p", str(sidecar.process.pid)], stderr=subprocess.DEVNULL)
    wait_for(lambda: data.exists() and data.stat().st_size > 0, "perf")
    yield
    perf.send_signal(signal.SIGINT)
    perf.wait()


def costs(data):
    """Names and parts of what there are most samples of, as a text."""
    said = subprocess.run(
        ["perf", "report", "-i", data, "--stdio", "--no-children", "-F", "overhead,dso,symbol", "--percent-limit", "1"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    rows = re.findall(r"^ +([\d.]+)%  (\S+) +\[(.)\] (\S+)", said, re.M)
    if not rows:
        raise SystemExit("perf saw nothing in %s" % data)
    return [(float(part), "kernel: " + name if kind == "k" else plain(library, name)) for part, library, kind, name in rows[:SHOWN]]


def plain(library, name):
    """A method as its source has it."""
    name = re.sub(r"__+", ".", name.lstrip("_"))
    return name if library.endswith("glance-staging-sidecar") else "%s (%s)" % (name, library)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("sidecar")
    parser.add_argument("client")
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    work, rows = arguments.work, []

    def show(what, data):
        rows.append([what, ", ".join("%s %.0f %%" % (name, part) for part, name in costs(data))])

    for number, (what, mode, settings) in enumerate((
            ("an upload", "stage", ()), ("an upload with md5 and sha512", "stage", DIGESTS), ("`ReadImage`", "read", ()))):
        sidecar = Sidecar(work, arguments.sidecar, "costs%d" % number, 29395 + number, *settings)
        by_client(arguments.client, sidecar, arguments.mib, mode=mode)
        data = work / ("perf%d" % number)
        with sampled(sidecar, data):
            for _ in range(ROUNDS):
                by_client(arguments.client, sidecar, arguments.mib, mode=mode)
        sidecar.close()
        show(what, data)

    print("What perf saw most of in the daemon:\n")
    print(table(["in", "of its CPU"], rows))


if __name__ == "__main__":
    main()
