"""What the tests run on: the package as it would be installed, and helpers."""

import atexit
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.path.dirname(os.path.dirname(PACKAGE))
SCRATCH = tempfile.mkdtemp(prefix="glance-plugin-")
# Another file system than that of the scratch directory, on any Linux.
FAR = tempfile.mkdtemp(prefix="glance-plugin-", dir="/dev/shm")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
atexit.register(shutil.rmtree, FAR, ignore_errors=True)


def _make_protoset():
    """As the build of the wheel makes it, but not into the source tree."""
    spec = importlib.util.spec_from_file_location("plugin_setup", os.path.join(PACKAGE, "setup.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target = os.path.join(SCRATCH, "sidecar.protoset")
    module.compile_protos(target)
    os.environ["GLANCE_SIDECAR_PROTOSET"] = target


def _make_entry_points():
    """So that Glance finds the plugin by its entry point."""
    subprocess.run([sys.executable, "setup.py", "-q", "egg_info", "--egg-base", SCRATCH], cwd=PACKAGE, check=True)
    sys.path[:0] = [PACKAGE, SCRATCH]


_make_protoset()
_make_entry_points()


def path_of_modules(*directories):
    """PYTHONPATH of a process of its own: the package, these directories, and what is in this one's, such as another Glance."""
    return os.pathsep.join(filter(None, (PACKAGE,) + directories + (os.environ.get("PYTHONPATH"),)))


def wait_until(condition, what, seconds=30):
    """Waits for a condition that another thread or process brings about; fails with what was awaited."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        pause.wait(0.02)
    raise AssertionError("Not within %d s: %s" % (seconds, what))


def free_port():
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
