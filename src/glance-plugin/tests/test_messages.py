import os
import subprocess
import sys
import unittest

from tests.harness.support import SCRATCH, path_of_modules

# In a process of its own, as only the first use counts; switching often, so that the threads meet there.
_FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
at_once = threading.Barrier(8)
failures = []

def use():
    at_once.wait()
    try:
        from glance_sidecar.rpc import messages
        for _ in range(50):
            messages.ListImagesRequest(committed_before=messages.of("google.protobuf.Timestamp")(seconds=1))
    except Exception as failure:
        failures.append(failure)

threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(failures)
"""


class MessagesTest(unittest.TestCase):
    def test_threads_that_use_them_first_at_once_get_the_same_classes(self):
        for _ in range(8):
            run = subprocess.run(
                [sys.executable, "-c", _FIRST_USE], capture_output=True, text=True, timeout=120,
                env=dict(os.environ, PYTHONPATH=path_of_modules(SCRATCH)))
            self.assertEqual(run.stdout, "[]\n", run.stderr)
