"""Where the daemon's CPU goes, by what it was doing when perf looked: in an upload, in one with digests, and in a read.

With an older build both are told in parts of what the older one took for the same bytes, so that what was saved shows where.
Usage: costs.py WORK_DIRECTORY SIDECAR CLIENT [--older SIDECAR] [--mib N]
"""
import argparse
import collections
import contextlib
import pathlib
import re
import signal
import subprocess

from contenders import Sidecar, by_client, wait_for
from tables import table

ROUNDS = 5
DIGESTS = ("--Staging:Digests:0", "md5", "--Staging:Digests:1", "sha512")
WORK = (("an upload", "stage", ()), ("an upload with md5 and sha512", "stage", DIGESTS), ("`ReadImage`", "read", ()))

# By the system call that the kernel was in. Where it was within one tells little: a virtual processor without counters of its own
# is looked at by a timer, whose interrupts the kernel holds back in places, and then they all seem to be there.
CALLS = (
    ("writing the file", "pwrite64 pwritev writev"),
    ("reading the file", "pread64 preadv read"),
    ("receiving", "recvmsg recvfrom"),
    ("sending", "sendmsg sendto write"),
    ("waking threads, and waiting", "futex sched_yield epoll_wait epoll_pwait"),
    ("flushing to the disk", "fdatasync fsync sync_file_range"),
    ("names, lengths and space of files", "unlink unlinkat rename renameat2 openat close fallocate ftruncate"),
)
BY_CALL = {call: what for what, calls in CALLS for call in calls.split()}
LIBRARIES = (("libc.so", "copying, by the C library"), ("libcrypto", "md5 and sha512"))
ITSELF = "the daemon's own code"
KERNEL = "the kernel, else"
ORDER = [what for what, _ in CALLS] + [KERNEL, ITSELF] + [what for _, what in LIBRARIES]


@contextlib.contextmanager
def sampled(sidecar, data):
    """Samples the process while the block runs."""
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-g", "-F", "997", "-o", data, "-p", str(sidecar.process.pid)], stderr=subprocess.DEVNULL)
    wait_for(lambda: data.exists() and data.stat().st_size > 0, "perf")
    yield
    perf.send_signal(signal.SIGINT)
    perf.wait()


def count(data):
    """How many samples there are of each thing that it does."""
    said = subprocess.run(
        ["perf", "script", "-i", data, "-F", "ip,sym,dso"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    samples = [[line for line in block.splitlines() if "(" in line] for block in said.split("\n\n") if "(" in block]
    if not samples:
        raise SystemExit("perf saw nothing in %s" % data)
    return collections.Counter(doing(frames) for frames in samples)


def doing(frames):
    """What a sample is of, by its frames, the innermost first."""
    for frame in frames:
        call = re.search(r" __(?:x64_)?sys_(\w+)", frame)
        if call:
            return BY_CALL.get(call.group(1), KERNEL)
    innermost = frames[0]
    if "([kernel" in innermost:
        return KERNEL
    return next((what for library, what in LIBRARIES if library in innermost), ITSELF)


def profile(work, name, ops, program, client, mode, settings, mib):
    sidecar = Sidecar(work, program, name, ops, *settings)
    for _ in range(4):  # where there is a JIT compiler, its second tier comes after some calls and seconds
        by_client(client, sidecar, mib, mode=mode)
    data = work / (name + ".perf")
    with sampled(sidecar, data):
        for _ in range(ROUNDS):
            by_client(client, sidecar, mib, mode=mode)
    sidecar.close()
    return count(data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("sidecar")
    parser.add_argument("client")
    parser.add_argument("--older")
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    columns = []
    for number, (what, mode, settings) in enumerate(WORK):
        def ask(name, ops, program):
            return profile(
                arguments.work, "%s%d" % (name, number), ops + number, program, arguments.client, mode, settings, arguments.mib)

        older = [("%s, older" % what, ask("older", 29395, arguments.older))] if arguments.older else []
        newer = (what, ask("newer", 29405, arguments.sidecar))
        basis = (older or [newer])[0][1].total()
        columns += [(title, samples, basis) for title, samples in [*older, newer]]

    rows = [["all of it"] + ["%.2f" % (samples.total() / basis) for _, samples, basis in columns]]
    rows += [[what] + ["%.2f" % (samples[what] / basis) for _, samples, basis in columns]
             for what in ORDER if any(samples[what] for _, samples, _ in columns)]
    print("CPU of the daemon by what it does, in parts of the whole%s:\n" % (
        " that the older one took" if arguments.older else ""))
    print(table(["what it does"] + [title for title, _, _ in columns], rows))


if __name__ == "__main__":
    main()
