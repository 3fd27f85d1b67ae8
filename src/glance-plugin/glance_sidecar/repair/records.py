"""
Unfinished work of each process, on the staging volume, so that another process of the pod can mend what a dead one
left.

Each process has a directory workers/<uuid>/ with a file "lock" that it holds an flock on, which the kernel drops
however the process ends, and one JSON file for each piece of work: import-<image id>.json, stage-<image id>.json.
"""

import fcntl
import json
import os
import re
import shutil
import threading
import uuid

from glance_sidecar import volume

_RECORD = re.compile(r"^(import|stage)-([0-9a-f-]{36})\.json$")

_guard = threading.Lock()
# Records are changed by requests, by task threads and by the watcher.
_changing = threading.Lock()
_workers = {}


class Worker:
    """This process's directory."""

    def __init__(self):
        parent = volume.state_directory("workers")
        # Made under another name first: a directory that has no lock yet would be taken for a dead worker's.
        making = os.path.join(parent, ".%s" % uuid.uuid4())
        os.mkdir(making, 0o770)
        self._lock = open(os.path.join(making, "lock"), "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.directory = os.path.join(parent, str(uuid.uuid4()))
        os.rename(making, self.directory)

    def path(self, kind, image_id):
        return os.path.join(self.directory, "%s-%s.json" % (kind, image_id))


def put(kind, image_id, **fields):
    """Writes the record of a piece of work, in place of an older one of the same image."""
    with _changing:
        _write(_worker().path(kind, image_id), dict(fields, kind=kind, image_id=image_id))


def update(kind, image_id, **fields):
    """Adds to a record; makes it when it is not there."""
    with _changing:
        known = get(kind, image_id) or {}
        _write(_worker().path(kind, image_id), dict(known, **dict(fields, kind=kind, image_id=image_id)))


def get(kind, image_id):
    """This process's record of a piece of work, or None."""
    return _read(_worker().path(kind, image_id))


def remove(kind, image_id):
    """The work has ended."""
    with _changing:
        _unlink(_worker().path(kind, image_id))


def remove_if(record):
    """As remove, unless another piece of work of the same image has begun; says whether it did."""
    with _changing:
        if get(record["kind"], record["image_id"]) != record:
            return False
        _unlink(_worker().path(record["kind"], record["image_id"]))
        return True


def mine(kind):
    """This process's records of that kind."""
    return [record for record in read_all(_worker().directory) if record["kind"] == kind]


def of_dead_workers():
    """Directories of processes that ended, each with its records. Each is the caller's to mend and then to discard."""
    parent = volume.state_directory("workers")
    mine = os.path.basename(_worker().directory)
    for name in sorted(os.listdir(parent)):
        directory = os.path.join(parent, name)
        if name != mine and not name.startswith(".") and not _is_alive(directory):
            yield directory, read_all(directory)


def of_live_workers():
    """All records of processes that run, this one's too."""
    parent = volume.state_directory("workers")
    return [
        record for name in os.listdir(parent)
        if not name.startswith(".") and _is_alive(os.path.join(parent, name))
        for record in read_all(os.path.join(parent, name))]


def read_all(directory):
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    found = (_read(os.path.join(directory, name)) for name in names if _RECORD.match(name))
    return [record for record in found if record]


def discard(directory, record=None):
    """Removes a dead worker's record, or all of its directory."""
    if record is None:
        shutil.rmtree(directory, ignore_errors=True)
        return
    _unlink(os.path.join(directory, "%s-%s.json" % (record["kind"], record["image_id"])))


def _worker():
    pid = os.getpid()
    with _guard:
        if pid not in _workers:
            _workers.clear()
            _workers[pid] = Worker()
        return _workers[pid]


def _is_alive(directory):
    # A lock of this very process is seen as held too, since this opens the file a second time.
    try:
        with open(os.path.join(directory, "lock")) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _write(path, record):
    with open(path + ".new", "w") as file:
        json.dump(record, file)
    os.rename(path + ".new", path)


def _unlink(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _read(path):
    try:
        with open(path) as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        # A record that was cut short by a power failure says nothing; the image is found as stale later.
        return None


def _renew_after_fork():
    # The child shares the parent's lock by inheritance, and would keep it held after the parent's death.
    global _guard, _changing
    _guard = threading.Lock()
    _changing = threading.Lock()
    for worker in _workers.values():
        worker._lock.close()
    _workers.clear()


os.register_at_fork(after_in_child=_renew_after_fork)
