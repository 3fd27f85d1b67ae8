"""Imports that run in this process, by image id and by import id: what the driver and the watcher must know of them."""

import threading

_lock = threading.Lock()
_by_image = {}


class LiveImport:
    """An import task of this process, from the moment that its flow was built until its task has ended."""

    def __init__(self, image_id, task_id, image_repo=None, task_repo=None):
        self.image_id = image_id
        self.task_id = task_id
        self.image_repo = image_repo
        self.task_repo = task_repo
        # The sidecar's import, once it is asked for.
        self.import_id = None
        # What the user should read when Glance itself only says "Internal Error".
        self.note = None

    def has_data(self):
        """Whether a store took the image. When in doubt, yes: then nobody imports it again."""
        if self.image_repo is None:
            return True
        try:
            return self.image_repo.get(self.image_id).status != "importing"
        except Exception:  # the image is gone, or the database is: neither needs the staged bytes kept
            return True


def begin(live):
    with _lock:
        _by_image[live.image_id] = live


def end(live):
    with _lock:
        if _by_image.get(live.image_id) is live:
            del _by_image[live.image_id]


def of_image(image_id):
    with _lock:
        return _by_image.get(image_id)


def of_import(import_id):
    with _lock:
        return next((live for live in _by_image.values() if live.import_id == import_id), None)


def all_of_them():
    with _lock:
        return list(_by_image.values())
