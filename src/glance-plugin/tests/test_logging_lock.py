import os
import subprocess
import sys
import unittest

from tests.support import path_of_modules

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


class LoggingLockTest(unittest.TestCase):
    def test_threads_that_meet_at_logging_go_on(self):
        run = subprocess.run(
            [sys.executable, "-c", _CONTENTION], capture_output=True, text=True, timeout=120,
            env=dict(os.environ, PYTHONPATH=path_of_modules()))
        self.assertEqual("done\n", run.stdout, run.stderr)


if __name__ == "__main__":
    unittest.main()
