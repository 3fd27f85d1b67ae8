"""The thread that mends what processes that died left behind. Of all processes of a pod one at a time does it."""

import contextlib
import fcntl
import os
import time

from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar import volume
from glance_sidecar.repair import background
from glance_sidecar.repair import janitor
from glance_sidecar.repair import mending
from glance_sidecar.repair import pending
from glance_sidecar.repair import records

LOG = logging.getLogger(__name__)

# What the janitor looks for does not hurry, and it asks the database about every staged image.
JANITOR_SECONDS = 3600


class Recovery(background.Loop):
    """The thread."""

    def __init__(self):
        super().__init__("staging-recovery", lambda: options.settings().recovery_interval)
        self._cleaned = None

    def turn(self):
        with _only_one() as mine:
            if not mine:
                return
            pending.settle()
            for directory, left in records.of_dead_workers():
                self._mend(directory, left)
            if self._cleaned is None or time.monotonic() - self._cleaned >= JANITOR_SECONDS:
                self._cleaned = time.monotonic()
                janitor.clean()

    @staticmethod
    def _mend(directory, left):
        settled = 0
        for record in left:
            try:
                done = mending.mend(record)
            except Exception:
                # One image that cannot be mended must not keep the others from it.
                LOG.exception("What a dead process left of image %s is not mended yet.", record["image_id"])
                done = False
            if done:
                records.discard(directory, record)
                settled += 1
        if settled == len(left):
            records.discard(directory)


@contextlib.contextmanager
def _only_one():
    with open(os.path.join(volume.state_directory(), "recovery.lock"), "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
