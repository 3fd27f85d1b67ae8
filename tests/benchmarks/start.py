"""What a start costs until the first call can be answered, and what a server that has nothing to do keeps in memory.

The daemon as shipped and the C++ server start in turn, with nothing staged, and are ended again.
Usage: start.py SIDECAR CPP_SERVER [--rounds N]
"""
import argparse
import pathlib
import statistics
import tempfile
import time

from contenders import Sidecar, cpp_server, wait_for
from tables import measure, table

IDLE_SECONDS = 5
MIB = 1 << 20


def start(make):
    with tempfile.TemporaryDirectory() as work:
        before = time.monotonic()
        server = make(pathlib.Path(work))
        figures = {"ms": (time.monotonic() - before) * 1000, "cpu": server.cpu_seconds() * 1000}
        time.sleep(IDLE_SECONDS)
        figures["mib"] = server.resident_mib()
        server.close()
    return figures


def ready_sidecar(work, program):
    sidecar = Sidecar(work, program)

    def ready():
        try:
            return sidecar.get("/readyz")
        except OSError:
            return None

    wait_for(ready, "readiness")
    return sidecar


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sidecar")
    parser.add_argument("server")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    results = measure(arguments.rounds, {
        "C++ gRPC server, listening": lambda: start(lambda work: cpp_server(work, arguments.server, False)),
        "**sidecar, ready**": lambda: start(lambda work: ready_sidecar(work, arguments.sidecar)),
    })
    print("A start with nothing staged; medians of %d rounds, and their range:\n" % arguments.rounds)
    print(table(
        ["what", "time, ms", "CPU, ms", "memory %d s later, MiB" % IDLE_SECONDS],
        [[name, *(whole([figures[what] for figures in rounds]) for what in ("ms", "cpu", "mib"))] for name, rounds in results.items()]))
    print("\nThe daemon's program has %.0f MiB." % (pathlib.Path(arguments.sidecar).stat().st_size / MIB))


def whole(values):
    return "%.0f (%.0f to %.0f)" % (statistics.median(values), min(values), max(values))


if __name__ == "__main__":
    main()
