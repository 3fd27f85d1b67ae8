"""What a pod with very many staged images costs: its restart, and what is asked of it again and again.

Usage: catalog.py WORK_DIRECTORY SIDECAR STAGECTL [--images N]
"""
import argparse
import json
import os
import pathlib
import subprocess
import time
import uuid

from contenders import Sidecar, wait_for
from tables import table

ASKED = 200


def plant(staging, count):
    """Copies of one staged image, as they are on the volume: to stage them would take an fsync or four each."""
    records = staging / ".sidecar" / "images"
    first = next(records.glob("*.json"))
    record = json.loads(first.read_text())
    content = (staging / record["id"]).read_bytes()
    for _ in range(count - 1):
        record["id"] = str(uuid.uuid4())
        (staging / record["id"]).write_bytes(content)
        (records / (record["id"] + ".json")).write_text(json.dumps(record))


class Pod:
    """A sidecar with so many images, measured from its start."""

    def __init__(self, work, program, stagectl, name, ops, images):
        self.stagectl = stagectl
        sidecar = Sidecar(work, program, name, ops)
        (work / "byte").write_bytes(b"x")
        self._run(sidecar, "put", work / "byte")
        sidecar.close()
        plant(sidecar.staging, images)
        os.sync()
        started = time.monotonic()
        self.sidecar = Sidecar(work, program, name, ops)
        wait_for(self._ready, "readiness")
        self.ready_seconds = time.monotonic() - started
        self.ready_cpu = self.sidecar.cpu_seconds()

    def listing(self):
        """CPU seconds of all images in one stream, and by how much memory grew to its peak."""
        self.sidecar.forget_peak()
        cpu, before = self.sidecar.cpu_seconds(), self.sidecar.resident_mib()
        lines = self._run(self.sidecar, "ls", "--json").count("\n")
        return self.sidecar.cpu_seconds() - cpu, self.sidecar.peak_mib() - before, lines

    def cost(self, path):
        """CPU milliseconds of an answer of the operations port."""
        for _ in range(ASKED):  # warm
            self.sidecar.get(path)
        before = self.sidecar.cpu_seconds()
        for _ in range(ASKED):
            self.sidecar.get(path)
        return (self.sidecar.cpu_seconds() - before) / ASKED * 1000

    def _ready(self):
        try:
            return self.sidecar.get("/readyz")
        except OSError:
            return None

    def _run(self, sidecar, *arguments):
        return subprocess.run(
            [self.stagectl, "--server", "unix://%s" % sidecar.socket, *map(str, arguments)],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("sidecar")
    parser.add_argument("stagectl")
    parser.add_argument("--images", type=int, default=100_000)
    arguments = parser.parse_args()
    few = Pod(arguments.work, arguments.sidecar, arguments.stagectl, "few", 29397, 1)
    many = Pod(arguments.work, arguments.sidecar, arguments.stagectl, "many", 29398, arguments.images)
    report(few, many, arguments.images)


def report(few, many, images):
    idle = [few.sidecar.resident_mib(), many.sidecar.resident_mib()]
    listings = few.listing(), many.listing()
    rows = [
        ["start until ready, s of CPU", "%.2f" % few.ready_cpu, "%.2f" % many.ready_cpu],
        ["start until ready, ms", "%.0f" % (few.ready_seconds * 1000), "%.0f" % (many.ready_seconds * 1000)],
        ["memory when ready, MiB", "%.0f" % idle[0], "%.0f" % idle[1]],
        ["list of all images, s of CPU", "%.2f" % listings[0][0], "%.2f" % listings[1][0]],
        ["the list's memory on top, MiB", "%.0f" % listings[0][1], "%.0f" % listings[1][1]],
    ]
    for name, path in (("readiness", "/readyz"), ("scrape", "/metrics"), ("status page", "/status.json")):
        rows.append(["%s, ms of CPU" % name, "%.2f" % few.cost(path), "%.2f" % many.cost(path)])
    print("A pod with one staged image, and with %d:\n" % images)
    print(table(["what", "1 image", "%d images" % images], rows))


if __name__ == "__main__":
    main()
