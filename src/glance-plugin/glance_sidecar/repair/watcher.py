"""Watches the imports of this process until their tasks have ended, and sees to what only then can be done."""

import time

from oslo_log import log as logging

from glance_sidecar import database
from glance_sidecar import volume
from glance_sidecar.imports import live
from glance_sidecar.repair import background
from glance_sidecar.repair import pending
from glance_sidecar.repair import records

LOG = logging.getLogger(__name__)

# The statuses in which a task has ended.
ENDED = ("success", "failure")


class Watcher(background.Loop):
    """The thread. beside: another loop of this process, which is told of when it hangs."""

    def __init__(self, beside=None):
        # A query for each running import; soon enough for a user who looks at a task that failed.
        super().__init__("import-watcher", lambda: 2)
        self._beside = beside

    def turn(self):
        if self._beside is not None:
            self._beside.warn_when_long()
        for record in records.mine("import"):
            task = database.find_task(record.get("task_id"))
            if task is None and _may_begin(record):
                continue
            if task is not None and task.status not in ENDED and database.find_image(record["image_id"]) is not None:
                continue
            # Not when the next import of the image has begun meanwhile, with a record of its own.
            if records.remove_if(record):
                _close(record, task)


def _may_begin(record):
    # Glance is still answering the request, or the task's row is not written yet.
    if record.get("task_id"):
        return False
    image = database.find_image(record["image_id"])
    return image is not None and (image.status == "importing" or database.LOCK in image.extra_properties)


def _close(record, task):
    running = live.of_task(record.get("task_id"))
    if task is not None and task.status == "success":
        _after_success(record)
    elif task is not None and task.status == "failure":
        _after_failure(record, task, running)
    if running is not None:
        live.end(running)


def _after_success(record):
    # In single-store mode Glance unlinks the file, and after copy-image nothing does; the sidecar hears of neither.
    if not volume.multi_store() or record.get("method") == "copy-image":
        pending.delete_image(record["image_id"])


def _after_failure(record, task, running):
    if running is not None and running.note and task.message != running.note:
        task.message = running.note
        database.save_task(database.tasks(), task)
    if record.get("method") not in ("web-download", "glance-download"):
        return
    looked_at = time.time()
    image = database.find_image(record["image_id"])
    if image is None or (image.status == "queued" and database.LOCK not in image.extra_properties):
        # Glance's own clean-up may have unlinked the file through another store, unknown to the sidecar. What a user
        # stages from now on stays.
        pending.delete_image(record["image_id"], asked_at=looked_at)
