"""A RunImport call that is made again: after a lost connection, and while the volume is full."""

import time

import grpc

from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar.imports.progress import describe
from glance_sidecar.rpc import client
from glance_sidecar.rpc import following
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)

# Between two looks at a full volume; each is a call that is refused at once.
SPACE_PAUSE = 5


class Attempt:
    """One import of the sidecar, until it has succeeded or failed for good. progress: a TaskProgress."""

    def __init__(self, import_id, request, progress):
        self._import_id = import_id
        self._request = request
        self._progress = progress
        self._settings = options.settings()
        self._said = "Importing"
        self._heard = 0.0

    def run(self):
        """The finished Import. Raises SidecarError, and what progress raises: then the import is cancelled."""
        down_since = None
        full_since = None
        is_known_new = False
        while True:
            try:
                if not is_known_new:
                    self._begin_anew_after_failure()
                    is_known_new = True
                return self._watch()
            except SidecarError as failure:
                now = time.monotonic()
                if failure.reason == "NO_SPACE":
                    full_since = full_since or now
                    if failure.facts.get("never") == "true" or now - full_since >= self._settings.space_wait:
                        raise
                    self._wait(SPACE_PAUSE, "Waiting for space in the staging area: %s" % failure.message)
                    is_known_new = False
                elif failure.transient:
                    # From when it was noticed: an import that waits for its turn may have had nothing to tell for hours.
                    if down_since is None or self._heard > down_since:
                        down_since = now
                    if now - down_since >= self._settings.wait:
                        raise
                    self._wait(0.5, "Waiting for the staging sidecar: %s" % failure.message)
                else:
                    raise

    def _begin_anew_after_failure(self):
        """An import that failed keeps its id, and would answer with its old failure."""
        try:
            known = client.get().call("Imports.GetImport", import_id=self._import_id,
                                      owner_hint=self._request.get("owner_hint"))
        except SidecarError as failure:
            # The image's owner runs it. That some other pod is down must not keep it from that.
            if failure.not_found or failure.reason == "LOCATE_INCOMPLETE":
                return
            raise
        if known.state in (messages.Import.FAILED, messages.Import.CANCELLED):
            client.get().call("Imports.ReleaseImport", timeout=client.DELETE_TIMEOUT, import_id=self._import_id,
                              keep_image=True)

    def _watch(self):
        """Follows one call to its end, telling of progress, also when nothing changes."""
        self._heard = 0.0
        call = client.get().open("Imports.RunImport", import_id=self._import_id, **self._request)
        last = None
        try:
            for event in following.follow(call, self._settings.progress_interval):
                if event is not None:
                    self._heard = time.monotonic()
                    last = getattr(event, "import")
                    self._said = describe(last)
                self._progress.tell(self._said)
            return self._finished(last)
        except SidecarError:
            raise
        except BaseException:
            # Somebody else ended the task, or this process ends: nobody wants the result.
            cancel(self._import_id)
            raise
        finally:
            call.cancel()

    @staticmethod
    def _finished(last):
        if last is None or last.state != messages.Import.SUCCEEDED:
            raise SidecarError(grpc.StatusCode.UNAVAILABLE, "", "The sidecar ended the call before the import's end.")
        return last

    def _wait(self, seconds, text):
        LOG.info("Import %s: %s", self._import_id, text)
        self._progress.tell(text, at_once=True)
        client.get().pause(seconds)


def cancel(import_id):
    """Cancels a running import; never raises."""
    try:
        client.get().call("Imports.CancelImport", timeout=client.DELETE_TIMEOUT, import_id=import_id)
    except SidecarError as failure:
        if not failure.not_found:
            LOG.warning("Import %s could not be cancelled: %s", import_id, failure.message)
