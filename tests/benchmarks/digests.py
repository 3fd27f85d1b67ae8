"""What takes md5 and sha512 of an image, in two builds of the daemon in turn: uploads, files that are adopted, and imports; where
there are cgroups of the first version, also in a pod that has not the memory for the image.

Usage: digests.py WORK_DIRECTORY OLDER NEWER STAGECTL CLIENT [--rounds N] [--mib N]
"""
import argparse
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
GROUP = pathlib.Path("/sys/fs/cgroup/memory/sidecar-bench-digests")
LITTLE = 512  # MiB: the least that the chart lets a pod have
STEP = 16 << 20


class Build:
    """One build twice: one that computes the digests of every upload, and one that leaves them to imports."""

    def __init__(self, work, program, name, ops, stagectl, little=False):
        self.stagectl = stagectl
        if little:
            program = in_little_memory(work, program, name)
        self.digesting = Sidecar(work, program, name + "-digesting", ops, *DIGESTS)
        self.plain = Sidecar(work, program, name, ops + 1)

    def adopt(self, content):
        """The file is on the disk, and not in memory."""
        image, path = str(uuid.uuid4()), self.digesting.staging / "written"
        shutil.copyfile(content, path)
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return self._timed(self.digesting, image, "adopt", image, path)

    def convert(self, content):
        image = str(uuid.uuid4())
        self._run(self.plain, "put", content, "--id", image)
        return self._timed(self.plain, image, "import", image, "--to", "raw")

    def stage(self, client, mib):
        before = read_mib(self.digesting)
        figures = by_client(client, self.digesting, mib)
        return dict(figures, read=read_mib(self.digesting) - before)

    def close(self):
        self.digesting.close()
        self.plain.close()

    def _timed(self, sidecar, image, *command):
        before, start = read_mib(sidecar), time.monotonic()
        self._run(sidecar, *command)
        figures = {"rate": 1 / (time.monotonic() - start), "read": read_mib(sidecar) - before}
        self._run(sidecar, "rm", image)
        return figures

    def _run(self, sidecar, *command):
        subprocess.run(
            [self.stagectl, "--server", "unix://%s" % sidecar.socket, *map(str, command)],
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


def in_little_memory(work, program, name):
    """A program that is that one in the group. It has to be there when it starts, as it looks at its memory then."""
    path = work / name
    path.write_text("#!/bin/sh\necho $$ >%s/cgroup.procs && exec %s \"$@\"\n" % (GROUP, program))
    path.chmod(0o755)
    return path


def row(what, rounds, builds, run, mib, little=False):
    results = measure(rounds, {name: (lambda build=build: run(build)) for name, build in builds.items()})
    read = ["%.2f" % (statistics.median(figures["read"] for figures in results[name]) / mib) if little else "" for name in builds]
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
    rounds, can_limit = arguments.rounds, GROUP.parent.joinpath("memory.limit_in_bytes").exists()
    if can_limit:
        GROUP.mkdir()
        (GROUP / "memory.limit_in_bytes").write_text(str(LITTLE << 20))

    def start(ops, little=False):
        return {
            name: Build(arguments.work, getattr(arguments, name), name + "-little" * little, ops + 2 * number, arguments.stagectl, little)
            for number, name in enumerate(("older", "newer"))
        }
    builds = start(29395)
    little = start(29399, True) if can_limit else {}
    try:
        for build in builds.values():
            build.stage(arguments.client, 1024)
            build.convert(qcow2)
        rows = [
            row("import of raw", rounds, builds, lambda build: build.convert(raw), mib),
            row("import of qcow2 to raw", rounds, builds, lambda build: build.convert(qcow2), mib),
            row("import of gzip to raw", rounds, builds, lambda build: build.convert(packed), mib),
            row("upload", rounds, builds, lambda build: build.stage(arguments.client, mib), mib),
            row("adopted file", rounds, builds, lambda build: build.adopt(raw), mib),
        ]
        if can_limit:
            rows += [
                row("upload, in %d MiB" % LITTLE, rounds, little, lambda build: build.stage(arguments.client, 2 * mib), 2 * mib, True),
                row("adopted file, in %d MiB" % LITTLE, rounds, little, lambda build: build.adopt(raw), mib, True),
            ]
        print("%d MiB, half of it noise, uploads all of it, in little memory twice as long; medians of %d rounds, and their range:\n"
              % (mib, rounds))
        print(table(
            ("md5 and sha512 of", "rate, of the older build's", "read from the disk, of the size: older", "newer"), rows))
    finally:
        for build in [*builds.values(), *little.values()]:
            build.close()
        if can_limit:
            GROUP.rmdir()


if __name__ == "__main__":
    main()
