import os
import subprocess
import sys
import unittest

from tests.harness.support import SCRATCH, path_of_modules

# In a process of its own: it changes logging for good. Without the call the threads stand still.
_CONTENTION = """
import logging, threading
import eventlet
from oslo_log import log
from glance_sidecar import logging_lock
log._fix_eventlet_logging()
logging_lock.make_native()

def contend():
    for _ in range(20000):
        logging._acquireLock()
        logging._releaseLock()

threads = [threading.Thread(target=contend) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
"""


# What Glance does before it has a second thread.
_START = """
import logging, threading
import eventlet
native = type(threading.RLock())
%s
from oslo_log import log
log._fix_eventlet_logging()
from glance_store import multi_backend
multi_backend._list_driver_opts()
print(isinstance(logging._lock, native))
"""


class LoggingLockTest(unittest.TestCase):
    def run_alone(self, program):
        run = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
            env=dict(os.environ, PYTHONPATH=path_of_modules(SCRATCH)))
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_threads_that_meet_at_logging_go_on(self):
        self.assertEqual(self.run_alone(_CONTENTION), "done\n")

    def test_lock_is_native_before_glance_has_threads(self):
        self.assertEqual(self.run_alone(_START % ""), "True\n")

    def test_lock_of_threads_that_are_not_native_is_left_alone(self):
        self.assertEqual(self.run_alone(_START % "eventlet.monkey_patch()"), "False\n")


if __name__ == "__main__":
    unittest.main()
