"""Fails when an upload costs noticeably more CPU, or allocates more, than in an older build. Time decides nothing.

Both take turns, and medians of the rounds are compared. What looks costlier is measured again, in more rounds, before it counts.
Usage: guard.py WORK_DIRECTORY OLDER NEWER CLIENT [--rounds N] [--mib N]
"""
import argparse
import pathlib
import statistics

from against import compare
from contenders import Sidecar, by_client

MOST = 1.15
WARM_UPS = 4
# Rounds in the first attempt; the next ones add twice and four times as many.
ROUNDS = 7
ATTEMPTS = 3


def costs(ratios):
    """The newer build's costs as parts of the older one's, by what they are."""
    _, cpu, old_bytes, new_bytes = zip(*ratios)
    return {
        "CPU per received GiB": statistics.median(cpu),
        "bytes allocated per received MiB": statistics.median(new_bytes) / statistics.median(old_bytes),
    }


def show(found, ratios):
    print("%d rounds: %s" % (len(ratios), ", ".join("%s %.2f" % (name, value) for name, value in found.items())), flush=True)


def judge(client, older, newer, rounds, mib):
    """What costs too much in the end; nothing where all is well."""
    ratios = []
    for attempt in range(ATTEMPTS):
        ratios += compare(client, older, newer, rounds << attempt, mib)
        found = costs(ratios)
        show(found, ratios)
        worse = {name: value for name, value in found.items() if value > MOST}
        if not worse:
            break
    return worse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("older")
    parser.add_argument("newer")
    parser.add_argument("client")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--mib", type=int, default=1024)  # less is mostly what a scrape and a call cost, and CPU is counted in hundredths of a second
    arguments = parser.parse_args()
    older = Sidecar(arguments.work, arguments.older, "older", 29395)
    newer = Sidecar(arguments.work, arguments.newer, "newer", 29396)
    try:
        for sidecar in [older, newer] * WARM_UPS:  # where there is a JIT compiler, its second tier comes after some calls and seconds
            by_client(arguments.client, sidecar, arguments.mib)
        worse = judge(arguments.client, older, newer, arguments.rounds, arguments.mib)
    finally:
        for sidecar in (older, newer):
            sidecar.close()
    for name, value in worse.items():
        print("An upload costs %.2f of the older revision's %s; %.2f is allowed." % (value, name, MOST))
    if worse:
        raise SystemExit(
            "Mend it, or, where it is worth its price, say so in a commit that puts a newer revision into eng/bench-baseline.")
    print("An upload costs no more than %.2f of what it did." % MOST)


if __name__ == "__main__":
    main()
