"""What takes md5 and sha512 of an image, in two builds of the daemon in turn: uploads, files that are adopted, and imports; where
there are cgroups of the first version, also in a pod that has not the memory for the image.

Usage: digests.py WORK_DIRECTORY OLDER NEWER STAGECTL CLIENT [--rounds N] [--mib N]
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import statistics
import subprocess
import time
import uuid

from contenders import Sidecar, by_client
from tables import measure, ratios, spread, table

DIGESTS = ("--Staging:Digests:0", "md5", "--Staging:Digests:1", "sha512")
GROUPS = pathlib.Path("/sys/fs/cgroup/memory")
LITTLE = 512  # MiB: the least that the chart lets a pod have
STEP = 16 << 20


class Pod:
    """A daemon of one build, as its container would run it."""

    def __init__(self, work, program, name, ops, stagectl, *settings):
        self.stagectl = stagectl
        self.sidecar = Sidecar(work, program, name, ops, *settings)

    def adopt(self, content):
        """The file is on the disk, and not in memory."""
        image, path = str(uuid.uuid4()), self.sidecar.staging / "written"
        shutil.copyfile(content, path)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return self._timed(image, "adopt", image, path)

    def convert(self, content):
        image = str(uuid.uuid4())
        self._run("put", content, "--id", image)
        return self._timed(image, "import", image, "--to", "raw")

    def stage(self, client, mib):
        before = read_mib(self.sidecar)
        figures = by_client(client, self.sidecar, mib)
        return dict(figures, read=read_mib(self.sidecar) - before)

    def close(self):
        self.sidecar.close()

    def _timed(self, image, *command):
        before, start = read_mib(self.sidecar), time.monotonic()
        self._run(*command)
        figures = {"rate": 1 / (time.monotonic() - start), "read": read_mib(self.sidecar) - before}
        self._run("rm", image)
        return figures

    def _run(self, *command):
        subprocess.run(
            [self.stagectl, "--server", "unix://%s" % self.sidecar.socket, *map(str, command)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_mib(sidecar):
    """What it has had from the disk itself."""
    text = pathlib.Path("/proc/%d/io" % sidecar.process.pid).read_text()
    return int(text.split("read_bytes: ")[1].split()[0]) >> 20


def write_half(path, mib):
    """Half of it noise."""
    with open(path, "wb") as file:
        for at in range(0, mib << 20, 2 * STEP):
            file.seek(at)
            file.write(os.urandom(STEP))
        file.truncate(mib << 20)


@contextlib.contextmanager
def little_memory(work, program, name):
    """A program that is that one with little memory. It has to be so when it starts, as it looks at its memory then."""
    group, path = GROUPS / ("sidecar-bench-%d-%s" % (os.getpid(), name)), work / name
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(LITTLE << 20))
        path.write_text("#!/bin/sh\necho $$ >%s/cgroup.procs && exec %s \"$@\"\n" % (group, program))
        path.chmod(0o755)
        yield path
    finally:
        group.rmdir()


def row(what, rounds, pods, run, mib, little=False):
    results = measure(rounds, {name: (lambda pod=pod: run(pod)) for name, pod in pods.items()})
    read = ["%.2f" % (statistics.median(figures["read"] for figures in results[name]) / mib) if little else "" for name in pods]
    return (what, spread(ratios(results, "newer", "older", "rate")), *read)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("older")
    parser.add_argument("newer")
    parser.add_argument("stagectl")
    parser.add_argument("client")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    mib, raw, qcow2, packed = arguments.mib, *(arguments.work / name for name in ("half.raw", "half.qcow2", "half.gz"))
    write_half(raw, mib)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2], check=True)
    with open(packed, "wb") as file:
        subprocess.run(["gzip", "-1", "-c", raw], stdout=file, check=True)
    rounds = arguments.rounds
    with contextlib.ExitStack() as stack:
        def start(kind, ops, *settings, little=False):
            pods = {}
            for number, name in enumerate(("older", "newer")):
                program, own = getattr(arguments, name), "%s-%s" % (name, kind)
                if little:
                    program = stack.enter_context(little_memory(arguments.work, program, own))
                pods[name] = Pod(arguments.work, program, own, ops + number, arguments.stagectl, *settings)
                stack.callback(pods[name].close)
            return pods

        importing, digesting = start("importing", 29395), start("digesting", 29397, *DIGESTS)
        for name in importing:
            importing[name].convert(qcow2)
            digesting[name].stage(arguments.client, mib)
        rows = [
            row("import of raw", rounds, importing, lambda pod: pod.convert(raw), mib),
            row("import of qcow2 to raw", rounds, importing, lambda pod: pod.convert(qcow2), mib),
            row("import of gzip to raw", rounds, importing, lambda pod: pod.convert(packed), mib),
            row("upload", rounds, digesting, lambda pod: pod.stage(arguments.client, mib), mib),
            row("adopted file", rounds, digesting, lambda pod: pod.adopt(raw), mib),
        ]
        if (GROUPS / "memory.limit_in_bytes").exists():
            little = start("little", 29399, *DIGESTS, little=True)
            rows += [
                row("upload, in %d MiB" % LITTLE, rounds, little, lambda pod: pod.stage(arguments.client, 2 * mib), 2 * mib, True),
                row("adopted file, in %d MiB" % LITTLE, rounds, little, lambda pod: pod.adopt(raw), mib, True),
            ]
    print("%d MiB, half of it noise, uploads all of it, in little memory twice as long; medians of %d rounds, and their range:\n"
          % (mib, rounds))
    print(table(("md5 and sha512 of", "rate, of the older build's", "read from the disk, of the size: older", "newer"), rows))


if __name__ == "__main__":
    main()
