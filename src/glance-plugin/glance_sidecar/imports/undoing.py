"""What is left of an import that failed: the image as it can be used again, and nothing else."""

from oslo_log import log as logging

from glance.common import exception

from glance_sidecar import database
from glance_sidecar import operators
from glance_sidecar.imports import attempt
from glance_sidecar.repair import pending
from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores.refusal import DirectRefused

LOG = logging.getLogger(__name__)

# What stores raise. Their own texts name paths and hosts, which are no user's business; Glance logs them.
_STORE_TROUBLE = {
    "StorageFull": "The store is full",
    "StorageWriteDenied": "The store refused to be written to",
    "Forbidden": "The store refused the image",
    "Duplicate": "The store already holds something under this image's id, which an administrator has to remove",
    "RemoteServiceUnavailable": "The store cannot be reached",
    "StorageQuotaFull": "The image is larger than the quota leaves",
    "ImageSizeLimitExceeded": "The image is larger than this site allows",
}


class Undo:
    """For one ImportRun."""

    def __init__(self, run):
        self._run = run
        self._image_id = run.live.image_id

    def after(self, own, later):
        """own: what the import itself raised, or None; later: what a task after it raised."""
        if own is not None and self._run.live.import_id:
            attempt.cancel(self._run.live.import_id)
        if later is not None and not isinstance(later, exception.UploadException):
            self._run.live.note = self._explain(later)
        if self._run.live.ahead is not None and not self._run.live.has_data():
            self._run.live.ahead.discard()
        refused = getattr(own, "content_refused", False)
        keep = self._run.method == "glance-direct" and not refused and self._may_be_staged()
        try:
            with self._run.action_wrapper as action:
                self._fail_stores(action)
                self._reset(action, keep)
        finally:
            if not keep:
                pending.delete_image(self._image_id)

    def _may_be_staged(self):
        try:
            client.get().call("Staging.GetImage", image_id=self._image_id)
        except SidecarError as failure:
            # In doubt it is: the next import request says what is so.
            return not failure.not_found
        return True

    @staticmethod
    def _fail_stores(action):
        stores = [name for name in action.image_extra_properties.get(database.IMPORTING_TO, "").split(",") if name]
        action.remove_importing_stores(stores)
        action.add_failed_stores(stores)

    def _reset(self, action, keep):
        # Glance forgets the size of an image that becomes queued.
        size = self._run.before.get("size") or action.image_size
        if action.image_status == "importing" and self._run.method == "glance-direct":
            action.set_image_attribute(status="queued")
        # Of a download Glance itself makes it queued, a moment later.
        if action.image_status not in ("importing", "queued"):
            return
        before = self._run.before
        if before:
            action.set_image_attribute(
                disk_format=before["disk_format"], container_format=before["container_format"])
            operators.set_digests(action, before.get("digests", {}))
            operators.remove_properties(action, before.get("set", ()))
            operators.set_properties(
                action, {name: before["properties"][name] for name in before.get("set", ()) if name in before["properties"]})
        if keep:
            # Staged still, so it can be imported again as it is.
            action.set_image_attribute(status="uploading")
            action.set_image_attribute(size=size)

    @staticmethod
    def _explain(later):
        kind = type(later).__name__
        if isinstance(later, DirectRefused):
            return "%s The image's bytes are still staged." % later
        return ("%s. The image's bytes are still staged, and what was made of them is kept: import it again, which "
                "needs no upload." % _STORE_TROUBLE.get(kind, "Storing the image failed (%s)" % kind))
