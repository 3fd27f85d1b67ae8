"""Uploads beside those of others: one of a GiB, with digests, many at once, and reads. Prints tables of ratios in one run.

Usage: stage.py WORK_DIRECTORY SIDECAR CLIENT SERVER BENCH [--rounds N] [--mib N]
"""
import argparse
import hashlib
import os
import pathlib
import statistics
import time

from contenders import (
    Sidecar, by_client, by_cp, by_dd, by_glance, by_put, by_tus, cpp_server, glance_api, kestrel, nginx, python_server, tus)
from tables import measure, ratios, spread, table

DD = "`dd conv=fsync`"
FSYNC = "C++ gRPC server, fsync at the end"
SIDECAR = "**sidecar, committed and fsynced**"


class Bench:
    def __init__(self, arguments):
        work = arguments.work
        self.work, self.client, self.mib, self.rounds = work, arguments.client, arguments.mib, arguments.rounds
        self.source = work / "source"
        self.source.write_bytes(b"x" * (self.mib << 20))  # warm: dd reads it from the page cache
        self.sidecar = Sidecar(work, arguments.sidecar)
        self.digesting = Sidecar(
            work, arguments.sidecar, "digesting", 29396, "--Staging:Digests:0", "md5", "--Staging:Digests:1", "sha512")
        self.peer, self.peer_fsync = cpp_server(work, arguments.server, False), cpp_server(work, arguments.server, True)
        self.python, self.nginx, self.tus = python_server(work), nginx(work), tus(work)
        self.glance = glance_api(work)
        self.kestrel = kestrel(work, arguments.bench)
        # The JIT compiler's second tier comes after some calls and seconds.
        for server in (self.sidecar, self.digesting, self.kestrel) * 4:
            self.by_client(server)

    def by_client(self, server, uploads=1, mode="stage"):
        return by_client(self.client, server, self.mib // uploads, uploads, mode=mode)

    def one(self):
        results = measure(self.rounds, {
            "`dd`": lambda: by_dd(self.work, self.source, self.mib, False),
            DD: lambda: by_dd(self.work, self.source, self.mib, True),
            "`cp`": lambda: by_cp(self.work, self.source, self.mib),
            "nginx, WebDAV's PUT, no fsync": lambda: by_put(self.nginx, self.source, self.mib),
            "tus's Node server, no fsync": lambda: by_tus(self.tus, self.source, self.mib),
            "Glance alone, `PUT` to its store of files, no fsync": lambda: by_glance(self.glance, self.source, self.mib),
            "Python gRPC server, fsync at the end": lambda: self.by_client(self.python),
            "C++ gRPC server, no fsync": lambda: self.by_client(self.peer),
            FSYNC: lambda: self.by_client(self.peer_fsync),
            SIDECAR: lambda: self.by_client(self.sidecar),
            "bare Kestrel, bytes dropped": lambda: self.by_client(self.kestrel),
        })
        print("One upload of %d MiB; medians of %d rounds, and their range:\n" % (self.mib, self.rounds))
        print(table(
            ["what", "rate, of %s" % DD, "rate, of the C++ server with fsync", "CPU per GiB, of the C++ server with fsync"],
            [[name, spread(ratios(results, name, DD, "rate")), spread(ratios(results, name, FSYNC, "rate")),
              spread(ratios(results, name, FSYNC, "cpu"))] for name in results]))

    def allocation(self):
        before = self.sidecar.allocated()
        self.by_client(self.sidecar)
        print("\nThe sidecar allocated %.1f KiB per received MiB." % ((self.sidecar.allocated() - before) / self.mib / 1024))

    def digests(self):
        content = self.source.read_bytes()

        def alone(algorithm):
            start = time.monotonic()
            hashlib.new(algorithm, content)
            return {"rate": self.mib / (time.monotonic() - start)}

        results = measure(self.rounds, {
            "md5": lambda: alone("md5"), "sha512": lambda: alone("sha512"),
            "sidecar": lambda: self.by_client(self.digesting),
            "without": lambda: self.by_client(self.sidecar),
        })
        slower = min(("md5", "sha512"), key=lambda name: statistics.median(one["rate"] for one in results[name]))
        print("\n%d MiB with md5 and sha512 of them: %s of the rate of %s alone, of one thread that has the bytes in memory; "
              "%s of the rate without digests." % (
                  self.mib, spread(ratios(results, "sidecar", slower, "rate")), slower,
                  spread(ratios(results, "sidecar", "without", "rate"))))
        self._digests_limit(results, slower)

    def _digests_limit(self, results, slower):
        """What is left of the slower one's rate where the processors have both to compute, and the upload and its client beside them."""
        def seconds(name):
            return statistics.median(self.mib / one["rate"] for one in results[name])

        processors = len(os.sched_getaffinity(0))
        upload = statistics.median(one["cpu"] + one["client_cpu"] for one in results["without"]) * self.mib / 1024
        least = max(seconds(slower), (seconds("md5") + seconds("sha512") + upload) / processors)
        print("\nBoth digests by themselves, an upload without them and its client take as much CPU as %d processors have in %.2f of that time: "
              "no more than %.2f of the rate." % (processors, least / seconds(slower), seconds(slower) / least))

    def many(self):
        counts = (1, 4, 16, 64)
        peaks = {}

        def run(count):
            self.sidecar.forget_peak()
            figures = self.by_client(self.sidecar, count)
            peaks.setdefault(count, []).append(self.sidecar.peak_mib())
            return figures

        contenders = {count: (lambda count=count: run(count)) for count in counts}
        # The plain server shows what of a fall is the disk's, which is asked for many files at once.
        contenders.update({
            (FSYNC, count): (lambda count=count: self.by_client(self.peer_fsync, count)) for count in counts})
        results = measure(self.rounds, contenders)
        print("\n%d MiB in so many uploads at once:\n" % self.mib)
        print(table(
            ["uploads", "total rate, of one's", "CPU, of one's", "most memory, MiB", "C++ server with fsync: total rate, of one's",
             "rate, of that server with as many"],
            [[count, spread(ratios(results, count, 1, "rate")), spread(ratios(results, count, 1, "cpu")),
              "%.0f" % statistics.median(peaks[count]), spread(ratios(results, (FSYNC, count), (FSYNC, 1), "rate")),
              spread(ratios(results, count, (FSYNC, count), "rate"))] for count in counts]))

    def reads(self):
        results = measure(self.rounds, {
            "C++ gRPC server": lambda: self.by_client(self.peer, mode="read"),
            "sidecar": lambda: self.by_client(self.sidecar, mode="read"),
        })
        print("\n`ReadImage` of %d MiB from the page cache: %s of the C++ server's rate." % (
            self.mib, spread(ratios(results, "sidecar", "C++ gRPC server", "rate"))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    for program in ("sidecar", "client", "server", "bench"):
        parser.add_argument(program)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    bench = Bench(parser.parse_args())
    for part in (bench.one, bench.allocation, bench.digests, bench.many, bench.reads):
        part()


if __name__ == "__main__":
    main()
