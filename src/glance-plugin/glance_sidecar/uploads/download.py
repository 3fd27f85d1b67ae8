"""Progress of a download into the staging area, on the task that downloads; also the sign that the task is alive."""

from glance_sidecar.imports import live
from glance_sidecar.imports.progress import TaskProgress


class DownloadProgress:
    """Tells how many bytes of an image have arrived."""

    def __init__(self, image_id):
        self.bytes = 0
        running = live.of_image(image_id)
        self._task = TaskProgress(running.task_repo, running.task_id) if running and running.task_repo else None

    def tell(self, written, total=None):
        """Raises TaskAbortedError when somebody else ended the task."""
        self.bytes = max(self.bytes, written)
        if self._task is not None:
            of = " of %d MiB" % (total >> 20) if total else " MiB"
            self._task.tell("Downloading: %d%s" % (written >> 20, of))

    def wait(self, text):
        """Tells what is waited for."""
        if self._task is not None:
            self._task.tell(text, at_once=True)
