"""The threads of each process: one watches this process's imports, one mends what dead processes left."""

import os
import sys
import threading
import time
import traceback

from oslo_log import log as logging

from glance_sidecar import options

LOG = logging.getLogger(__name__)

# gunicorn loads the application here with --preload, before it forks its workers, and in gunicorn.workers without.
_GUNICORN_MASTER = "gunicorn.arbiter"

# The calls of a turn have timeouts of a minute: of one that lasts longer it is told where it stands.
_LONG_SECONDS = 90

_lock = threading.Lock()
_started_by = None


def ensure_started():
    """Starts the threads, once in each process; they do not survive a fork."""
    global _started_by
    if _started_by == os.getpid():
        return
    with _lock:
        if _started_by == os.getpid():
            return
        _started_by = os.getpid()
    from glance_sidecar.repair.recovery import Recovery
    from glance_sidecar.repair.watcher import Watcher
    recovery = Recovery()
    Watcher(beside=recovery).start()
    if options.settings().recovery_interval:
        recovery.start()


def will_fork():
    """Whether this process only loads the application for others, which it forks: gRPC does not survive that."""
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None:
        return not uwsgi.worker_id()
    callers = set()
    frame = sys._getframe()
    while frame is not None:
        callers.add(frame.f_globals.get("__name__", ""))
        frame = frame.f_back
    return _GUNICORN_MASTER in callers and not any(name.startswith("gunicorn.workers") for name in callers)


class Loop(threading.Thread):
    """Runs turn() again and again, with pauses; an exception is logged and does not end it."""

    def __init__(self, name, interval):
        super().__init__(name=name, daemon=True)
        self._interval = interval
        self._stopping = threading.Event()
        # When the turn began that runs; and the one that was told of. Of two threads each writes one of them, so that a turn which
        # begins while another is told of is not taken for that one.
        self._began = None
        self._told = None

    def run(self):
        while not self._stopping.wait(self._interval()):
            self._began = time.monotonic()
            try:
                self.turn()
            except Exception:
                LOG.exception("The %s thread goes on after an error.", self.name)
            self._began = None

    def stop(self):
        """Ends the thread; returns when it has."""
        self._stopping.set()
        self.join()

    def warn_when_long(self):
        """Logs where a turn stands that has lasted for long, once. For another thread: one that hangs cannot tell."""
        began = self._began
        if began is None or began == self._told or time.monotonic() - began < _LONG_SECONDS:
            return
        self._told = began
        frame = sys._current_frames().get(self.ident)
        LOG.warning("The %s thread has been at one turn for %d s, here:\n%s", self.name, time.monotonic() - began,
                    "".join(traceback.format_stack(frame)) if frame is not None else "unknown")

    def turn(self):
        raise NotImplementedError
