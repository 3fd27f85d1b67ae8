"""Says where and of what a run's figures are. Usage: machine.py REPOSITORY"""
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys


def main():
    git = ["git", "-C", sys.argv[1]]
    commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True).stdout.strip()
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 1024 / 1024
    print("%s, commit %s%s; %d processors (%s), %.0f GiB of memory, Linux %s, %s; load %.1f at the start." % (
        datetime.date.today(), commit or "unknown", " with changes" if changed else "", os.cpu_count(),
        cpu.group(1) if cpu else platform.machine(), memory, platform.release().split("-")[0], platform.machine(),
        os.getloadavg()[0]))


if __name__ == "__main__":
    main()
