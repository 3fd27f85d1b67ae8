"""Stages the same bytes through the daemon and its peers in turn, and prints a table of medians.

Only ratios within one run mean anything: every round measures each contender once, next to the others.
Usage: stage.py WORK_DIRECTORY SIDECAR CLIENT SERVER [--rounds N] [--mib N]
"""
import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"{path} did not appear")
        time.sleep(0.02)


class Sidecar:
    """The daemon, as shipped, with its own staging directory."""

    def __init__(self, work, program, name="sidecar", ops=29395):
        self.socket = work / f"{name}.sock"
        self.ops = ops
        self.process = subprocess.Popen(
            [program, "--Staging:Directory", work / f"{name}-staging", "--Hosting:SocketPath", self.socket,
             "--Hosting:LocalAddress", "", "--Hosting:OpsAddress", f"127.0.0.1:{self.ops}"],
            stdout=subprocess.DEVNULL)
        wait_for(self.socket)

    def allocated(self):
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.ops}/metrics").read().decode()
        return float(re.search(r"^process_allocated_bytes_total(?:\{\})? (\S+)$", text, re.M).group(1))


class Peer:
    """The C++ gRPC server of the same service."""

    def __init__(self, work, server, sync):
        self.socket = work / ("peer-fsync.sock" if sync else "peer.sock")
        directory = work / "peer"
        directory.mkdir(exist_ok=True)
        self.process = subprocess.Popen([server, f"unix:{self.socket}", directory] + (["fsync"] if sync else []))
        wait_for(self.socket)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def stage(client, server, mib, uploads=1, chunk_kib=1024):
    before = cpu_seconds(server.process.pid)
    seconds = float(subprocess.run(
        [client, f"unix:{server.socket}", str(mib), str(chunk_kib), str(uploads)],
        check=True, capture_output=True, text=True).stdout)
    gib = mib * uploads / 1024
    return mib * uploads / seconds, (cpu_seconds(server.process.pid) - before) / gib


def dd(work, source, mib, sync):
    target = work / "dd"
    start = time.monotonic()
    subprocess.run(["dd", f"if={source}", f"of={target}", "bs=1M", "status=none"] + (["conv=fsync"] if sync else []),
                   check=True)
    seconds = time.monotonic() - start
    target.unlink()
    return mib / seconds, 0.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("sidecar")
    parser.add_argument("client")
    parser.add_argument("server")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mib", type=int, default=1024)
    arguments = parser.parse_args()
    work, mib = arguments.work, arguments.mib

    source = work / "source"
    source.write_bytes(b"x" * (mib << 20))  # warm: dd reads it from the page cache
    sidecar = Sidecar(work, arguments.sidecar)
    peer, peer_fsync = Peer(work, arguments.server, False), Peer(work, arguments.server, True)
    contenders = {
        "dd": lambda: dd(work, source, mib, False),
        "dd conv=fsync": lambda: dd(work, source, mib, True),
        "gRPC C++ server, no fsync": lambda: stage(arguments.client, peer, mib),
        "gRPC C++ server, fsync at the end": lambda: stage(arguments.client, peer_fsync, mib),
        "sidecar, committed and fsynced": lambda: stage(arguments.client, sidecar, mib),
    }
    try:
        for warm_up in range(4):  # the JIT compiler's second tier comes after some calls and seconds
            stage(arguments.client, sidecar, mib)
        results = {name: [] for name in contenders}
        for _ in range(arguments.rounds):
            for name, run in contenders.items():
                results[name].append(run())
        before = sidecar.allocated()
        stage(arguments.client, sidecar, mib)
        allocated = (sidecar.allocated() - before) / mib
        report(results)
        print(f"\nallocated by the sidecar per received MiB: {allocated:.0f} bytes")
        stage(arguments.client, sidecar, mib // 16, uploads=16)
        print(f"peak resident memory of the sidecar, after 16 uploads at once: {resident_mib(sidecar.process.pid):.0f} MiB")
    finally:
        for server in (sidecar, peer, peer_fsync):
            server.process.send_signal(signal.SIGTERM)
            server.process.wait()


def report(results):
    reference = statistics.median(rate for rate, _ in results["dd conv=fsync"])
    print("| what | MiB/s | of dd conv=fsync | server CPU s per GiB |")
    print("|---|---|---|---|")
    for name, runs in results.items():
        rate = statistics.median(rate for rate, _ in runs)
        cpu = statistics.median(cpu for _, cpu in runs)
        print(f"| {name} | {rate:.0f} | {rate / reference:.2f} | {f'{cpu:.2f}' if cpu else ''} |")


if __name__ == "__main__":
    main()
