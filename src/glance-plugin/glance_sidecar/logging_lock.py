"""
Logging's own lock, under native threads.

Where eventlet is merely imported, as Glance up to Zed always does, oslo.log gives the logging module a lock of eventlet's.
Two native threads that meet at it stand still for ever ("cannot switch to a different thread"), and with them the whole
process: seen when a process starts while its threads write their first lines.
"""

import logging
import sys
import threading
import time


def is_green():
    """Whether eventlet has made this process's threads its own."""
    patcher = sys.modules.get("eventlet.patcher")
    return patcher is not None and patcher.is_monkey_patched("thread")


def make_native():
    """Gives logging a lock that native threads can wait for. Without effect where it has one, and where there are no such threads."""
    lock = logging._lock
    if is_green() or isinstance(lock, type(threading.RLock())):
        return
    # Waiting is what does not work, so it is only tried; and who holds it now must not find another one to release.
    while not lock.acquire(False):
        time.sleep(0.001)
    logging._lock = threading.RLock()
    lock.release()
