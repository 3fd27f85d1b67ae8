"""A worker as gunicorn forks it, with unfinished work, for a test to kill."""

import json
import os
import signal
import subprocess
import sys

from tests.harness.support import path_of_modules

# Forked of a process that has no other threads, as gunicorn's is: one forked of the tests' would wait for ever for what their
# threads hold, grpc's among them. The parent has records of its own, which the child may not take for its own, and outlives it:
# what the child had in common with it would not be a dead worker's.
_PROGRAM = """
import json, os, signal, sys
from glance_sidecar import volume
from glance_sidecar.repair import records

directory, kind, image_id, fields = sys.argv[1:]
volume.state_directory = lambda name: directory
records.mine(kind)
child = os.fork()
if child:
    os.waitpid(child, 0)
    print("gone", flush=True)
    sys.stdin.read()
else:
    records.put(kind, image_id, **json.loads(fields))
    print(os.getpid(), flush=True)
    signal.pause()
"""


class Worker:
    """One that has this record. After kill the process that forked it is still there; end ends that, too."""

    def __init__(self, kind, image_id, **fields):
        from glance_sidecar import volume
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _PROGRAM, volume.state_directory("workers"), kind, image_id, json.dumps(fields)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=path_of_modules()))
        self._process_id = int(self._parent.stdout.readline())

    def kill(self):
        os.kill(self._process_id, signal.SIGKILL)
        self._parent.stdout.readline()

    def end(self):
        with self._parent:
            self._parent.kill()
