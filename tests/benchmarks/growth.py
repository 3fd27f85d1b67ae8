"""How time and memory grow: with the length of an upload, the length of a disk that is mostly holes, uploads at once, staged images,
and peers that are asked.

Usage: growth.py WORK_DIRECTORY SIDECAR STAGECTL CLIENT BENCH [--rounds N]
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import time
import uuid

import grpc

from catalog import Pod
from contenders import Sidecar, by_client
from tables import table

MIB = 1 << 20
LENGTHS = (1, 16, 256, 4096)  # MiB
DISKS = (1, 1 << 10, 10 << 10, 100 << 10)  # MiB
AT_ONCE = (1, 4, 16, 64, 256)
IMAGES = (1, 1000, 10_000, 100_000)
PEERS = (10, 30, 100)
EACH = 16  # MiB of each of the uploads at once
OPS = 29395
SERVICE = "/glance.sidecar.v1.Imports/"


class Growth:
    def __init__(self, arguments):
        self.work, self.rounds = arguments.work, arguments.rounds
        self.arguments = arguments
        self.sidecar = Sidecar(arguments.work, arguments.sidecar, "growing", OPS)
        by_client(arguments.client, self.sidecar, EACH)

    def lengths(self):
        return "an upload, by its MiB", [(length, *self._upload(length, 1)) for length in LENGTHS]

    def at_once(self):
        return "uploads of %d MiB at once" % EACH, [(count, *self._upload(EACH, count)) for count in AT_ONCE]

    def disks(self):
        """Of one MiB of data each, from qcow2 to raw, without digests: those are of all of the disk, holes included."""
        return "an import of qcow2, by the disk's MiB", [(length, *self._import(length)) for length in DISKS]

    def images(self):
        points = []
        for number, count in enumerate(IMAGES):
            pod = Pod(self.work, self.arguments.sidecar, self.arguments.stagectl, "pod%d" % count, OPS + 1 + number, count)
            points.append((count, pod.ready_cpu, pod.sidecar.resident_mib()))
            pod.sidecar.close()
        return "CPU of a start, by staged images", points

    def peers(self):
        return "asking all peers, by their number", [(count, self._locate(count), None) for count in PEERS]

    def _upload(self, mib, count):
        return self._measure(lambda: mib * count / by_client(self.arguments.client, self.sidecar, mib, count)["rate"])

    def _import(self, mib):
        image = str(uuid.uuid4())
        disk = self.work / "disk.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "%dM" % mib], check=True)
        subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -q -P 7 0 1M", disk], check=True, stdout=subprocess.DEVNULL)
        self._stagectl("put", disk, "--id", image)
        figures = self._measure(lambda: self._timed(lambda: self._run_import(image)))
        self._stagectl("rm", image)
        return figures

    def _run_import(self, image):
        from glance.sidecar.v1 import imports_pb2 as messages  # made beside this run's other files
        request = messages.RunImportRequest(
            image_id=image, import_id=str(uuid.uuid4()), stages=["image_conversion"], output_disk_format="raw", without_digests=True)
        release = messages.ReleaseImportRequest(import_id=request.import_id, keep_image=True)
        with grpc.insecure_channel("unix:%s" % self.sidecar.socket) as channel:
            for _ in channel.unary_stream(
                    SERVICE + "RunImport", messages.RunImportRequest.SerializeToString, messages.ImportEvent.FromString)(request):
                pass
            channel.unary_unary(
                SERVICE + "ReleaseImport", messages.ReleaseImportRequest.SerializeToString,
                messages.ReleaseImportResponse.FromString)(release)

    def _locate(self, peers):
        said = subprocess.run(
            ["dotnet", self.arguments.bench, "locate", str(peers)], check=True, stdout=subprocess.PIPE, text=True).stdout
        row = next(line for line in said.splitlines() if line.startswith("| staged nowhere"))
        return float(re.split(r" *\| *", row)[2]) / 1000

    def _measure(self, seconds):
        """Median seconds, and the most memory, in MiB."""
        self.sidecar.forget_peak()
        return statistics.median(seconds() for _ in range(self.rounds)), self.sidecar.peak_mib()

    @staticmethod
    def _timed(run):
        start = time.monotonic()
        run()
        return time.monotonic() - start

    def _stagectl(self, *arguments):
        subprocess.run(
            [self.arguments.stagectl, "--server", "unix://%s" % self.sidecar.socket, *map(str, arguments)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    for program in ("sidecar", "stagectl", "client", "bench"):
        parser.add_argument(program)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.work))
    growth = Growth(arguments)
    print("What one gets more of, times the least, and what it takes then; medians of %d rounds:\n" % arguments.rounds)
    print(table(["what", "of it", "times the least", "time, of the least's", "most memory, MiB"], []))
    for part in (growth.lengths, growth.disks, growth.at_once, growth.images, growth.peers):
        what, points = part()
        first = points[0]
        for count, seconds, mib in points:
            print("| %s | %d | %d | %.3g | %s |" % (
                what, count, count // first[0], seconds / first[1], "" if mib is None else "%.0f" % mib), flush=True)


if __name__ == "__main__":
    main()
