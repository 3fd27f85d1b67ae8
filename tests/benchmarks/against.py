"""Stages the same bytes through two builds of the daemon in turn, and prints the newer one's ratios to the older one.

Every round measures both, next to each other; which one is first changes from round to round.
Usage: against.py WORK_DIRECTORY OLDER NEWER CLIENT [--rounds N] [--mib N]
"""
import argparse
import pathlib
import statistics

from contenders import Sidecar, by_client

MANY = 16


def measure(client, sidecar, mib):
    before = sidecar.allocated()
    figures = by_client(client, sidecar, mib)
    return figures["rate"], figures["cpu"], (sidecar.allocated() - before) / mib


def compare(client, older, newer, rounds, mib):
    """One tuple for each round: the newer one's rate and CPU as parts of the older one's, and the bytes of both."""
    ratios = []
    for turn in range(rounds):
        order = [older, newer] if turn % 2 == 0 else [newer, older]
        results = {sidecar: measure(client, sidecar, mib) for sidecar in order}
        (old_rate, old_cpu, old_bytes), (new_rate, new_cpu, new_bytes) = results[older], results[newer]
        ratios.append((new_rate / old_rate, new_cpu / old_cpu, old_bytes, new_bytes))
    return ratios


def report(ratios, peaks):
    rate, cpu, old_bytes, new_bytes = zip(*ratios)
    print("| what | newer beside older: median (range) |")
    print("|---|---|")
    print(f"| rate, one upload, committed and fsynced | {spread(rate)} |")
    print(f"| server CPU per GiB | {spread(cpu)} |")
    print(f"| allocated per received MiB, bytes | {statistics.median(new_bytes):.0f} beside {statistics.median(old_bytes):.0f} |")
    print(f"| peak resident with {MANY} uploads at once, MiB | {peaks[1]:.0f} beside {peaks[0]:.0f} |")


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("older")
    parser.add_argument("newer")
    parser.add_argument("client")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    older = Sidecar(arguments.work, arguments.older, "older", 29395)
    newer = Sidecar(arguments.work, arguments.newer, "newer", 29396)
    try:
        for sidecar in [older, newer] * 4:  # where there is a JIT compiler, its second tier comes after some calls and seconds
            by_client(arguments.client, sidecar, arguments.mib)
        ratios = compare(arguments.client, older, newer, arguments.rounds, arguments.mib)
        peaks = []
        for sidecar in (older, newer):
            sidecar.forget_peak()
            by_client(arguments.client, sidecar, arguments.mib // MANY, MANY)
            peaks.append(sidecar.peak_mib())
        report(ratios, peaks)
    finally:
        for sidecar in (older, newer):
            sidecar.close()


if __name__ == "__main__":
    main()
