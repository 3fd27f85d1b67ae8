"""Imports that run in this process, by image id and by import id: what the driver and the watcher must know of them."""

import threading

_lock = threading.Lock()
_all = []


class LiveImport:
    """An import task of this process, from the moment that its flow was built until its task has ended."""

    def __init__(self, image_id, task_id, image_repo=None, task_repo=None, url=None):
        self.image_id = image_id
        self.task_id = task_id
        self.image_repo = image_repo
        self.task_repo = task_repo
        # Where web-download gets the image. May hold a secret: it is in no log and no file.
        self.url = url
        # The sidecar's import, once it is asked for.
        self.import_id = None
        # What it made, a stores.outputs.Output, once it is done.
        self.output = None
        # What was written to stores before Glance asked them, a stores.ahead.Ahead.
        self.ahead = None
        # What stores have of the sidecar's, and Glance knows of, as pairs of source and store.
        self.stored = []
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
        _all.append(live)


def end(live):
    with _lock:
        if live in _all:
            _all.remove(live)


def of_image(image_id):
    """The newest import of that image, or None."""
    return _last(lambda live: live.image_id == image_id)


def of_import(import_id):
    return _last(lambda live: live.import_id == import_id)


def of_task(task_id):
    return _last(lambda live: live.task_id == task_id)


def _last(wanted):
    with _lock:
        return next((live for live in reversed(_all) if wanted(live)), None)
