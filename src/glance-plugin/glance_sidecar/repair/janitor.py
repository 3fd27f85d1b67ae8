"""What nobody died over in this pod: staged bytes of images that are gone, and imports that other pods left."""

import time

import grpc
from oslo_log import log as logging
from oslo_utils import timeutils

from glance_sidecar import database
from glance_sidecar import options
from glance_sidecar.repair import mending
from glance_sidecar.repair import pending
from glance_sidecar.repair import records
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)

# An image that was staged a moment ago may not be known as such yet.
_GRACE_SECONDS = 600


def clean():
    """One round. What cannot be done now is left for the next."""
    try:
        _remove_orphans()
    except SidecarError as failure:
        LOG.warning("What others left is not looked for now: %s", failure.message)
    else:
        _mend_stale_imports()


def _remove_orphans():
    before = int(time.time()) - _GRACE_SECONDS
    busy = {record["image_id"] for record in records.of_live_workers()}
    for image_id in _staged_here(before):
        if image_id in busy:
            continue
        image = database.find_image(image_id)
        if image is None or (image.status not in ("queued", "uploading", "importing")
                             and database.LOCK not in image.extra_properties):
            status = image.status if image is not None else "deleted"
            LOG.info("Removing the staged bytes of image %s, which is %s.", image_id, status)
            pending.delete_image(image_id)


def _staged_here(before):
    request = {"committed_before": messages.of("google.protobuf.Timestamp")(seconds=before)}
    call = client.get().open("Staging.ListImages", timeout=client.DELETE_TIMEOUT, **request)
    try:
        return [image.image_id for image in call]
    except grpc.RpcError as failure:
        raise SidecarError.of(failure) from None


def _mend_stale_imports():
    stale_after = options.settings().stale_after
    busy = {record["image_id"] for record in records.of_live_workers()}
    for image in database.images().list(filters={"status": "importing", "deleted": False}):
        task = database.find_task(image.extra_properties.get(database.LOCK))
        if task is None or not database.is_import(task) or image.image_id in busy:
            continue
        if timeutils.is_older_than(task.updated_at, stale_after):
            LOG.warning("Task %s of image %s gave no sign of life for %d s.", task.task_id, image.image_id, stale_after)
            _mend(image.image_id, task.task_id)


def _mend(image_id, task_id):
    try:
        mending.mend_import({"kind": "import", "image_id": image_id, "task_id": task_id})
    except SidecarError as failure:
        # Where its bytes are may be known when a pod is back; the other images do not wait for that.
        LOG.warning("The import of image %s is left as it is for now: %s", image_id, failure.message)
    except Exception:
        LOG.exception("The import of image %s cannot be mended now.", image_id)
