"""Messages on an import's task: what a user sees, and for Glance the sign that the task is alive."""

import time

from glance.common import exception
from glance.common.scripts import utils as script_utils

from glance_sidecar import database
from glance_sidecar import options


class TaskProgress:
    """Writes messages on one task, not more often than progress_interval."""

    def __init__(self, task_repo, task_id):
        self._task_repo = task_repo
        self._task_id = task_id
        self._last = 0.0

    def tell(self, text, at_once=False):
        """
        Writes the text when it is time, or at once, as what is waited for must be seen; the same one again says that the
        task is alive. Raises TaskAbortedError when somebody else ended the task.
        """
        now = time.monotonic()
        if not at_once and self._last and now - self._last < options.settings().progress_interval:
            return
        self._last = now
        task = script_utils.get_task(self._task_repo, self._task_id)
        if task is None or task.status != "processing":
            raise exception.TaskAbortedError()
        task.message = text
        database.save_task(self._task_repo, task)


def describe(running):
    """One line about a running import of the sidecar."""
    if running.HasField("output_transfer") and running.output_transfer.state == _RUNNING:
        return "Bringing the result from %s: %s" % (running.owner, _amount(running.output_transfer))
    for stage in running.stages:
        if stage.state == _RUNNING:
            return "%s on %s: %s" % (stage.name, running.owner, _amount(stage))
    if running.state == _QUEUED:
        return "Waiting for a free slot on %s" % running.owner
    return "Importing on %s" % running.owner


# StageProgress.State.RUNNING and Import.State.QUEUED.
_RUNNING = 2
_QUEUED = 1


def _amount(stage):
    done = stage.bytes_done >> 20
    if not stage.bytes_total:
        return "%d MiB" % done
    percent = min(100, 100 * stage.bytes_done // stage.bytes_total)
    return "%d %%, %d of %d MiB" % (percent, done, stage.bytes_total >> 20)
