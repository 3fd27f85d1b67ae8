"""Mends one image that a process was working on when it died."""

import os
import time

from oslo_log import log as logging

from glance_sidecar import database
from glance_sidecar import volume
from glance_sidecar.imports import signatures
from glance_sidecar.repair import leftovers
from glance_sidecar.repair import pending
from glance_sidecar.repair import records
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores import ahead

LOG = logging.getLogger(__name__)

_ENDED = "The glance-api process that ran this import ended before it was done. "
_AGAIN = "The image's bytes are still staged: import it again."
_ANEW = "Its staged bytes are gone: stage or download the image again."


def mend(record):
    """Mends what a record of a dead process tells of. False when it has to be tried again later. May be repeated."""
    if record["kind"] == "stage":
        return _mend_stage(record["image_id"])
    return mend_import(record)


def _mend_stage(image_id):
    looked_at = time.time()
    if any(each["image_id"] == image_id for each in records.of_live_workers()):
        return True  # somebody uploads or imports it again
    leftovers.unlink(os.path.join(volume.state_directory("incoming"), image_id))
    image = database.find_image(image_id)
    if image is None:
        pending.delete_image(image_id)
        return True
    if image.status != "uploading" or image.size is not None:
        return True
    if _is_being_uploaded(image_id):
        return True
    staged = _find_staged(image_id)
    if staged is not None:
        # All of it arrived, and only Glance does not know yet.
        image.size = staged.size
        saved = database.save(image, "uploading")
        text = "an upload whose bytes had all arrived; it can be imported"
    else:
        # Before anybody sees that the image is queued, and stages what this would remove.
        pending.delete_image(image_id, asked_at=looked_at)
        saved = database.to_queued(image_id, "uploading")
        text = "an upload; it can be staged again"
    if saved:
        LOG.info("Mended image %s after the death of a process during %s.", image_id, text)
    return True


def mend_import(record):
    """As mend, for an import. record: image_id, task_id or request_id, method, stores, before."""
    looked_at = time.time()
    image_id = record["image_id"]
    if record.get("import_id"):
        ahead.forget(record["import_id"])
    image = database.find_image(image_id)
    task = _find_task(record, image)
    if image is None:
        leftovers.remove(image_id, record.get("stores") or [], record.get("import_id"))
        pending.delete_image(image_id)
        database.fail_task(task, _ENDED)
        return True
    if task is None or image.extra_properties.get(database.LOCK) != task.task_id:
        # It ended by itself, or somebody else works on the image.
        database.fail_task(task, _ENDED)
        return True
    method = record.get("method") or _method_of(task)
    keep, size = _decide(image_id, method, record.get("before") or {})
    _mend_image(image, record, keep, size)
    complete = image.status == "active" and not image.extra_properties.get(database.FAILED_IN)
    if complete and method != "copy-image":
        text = None
        _succeed(task, image_id)
    else:
        text = _ENDED + (_AGAIN if keep else _ANEW)
        database.fail_task(task, text)
    if not keep:
        # As in _mend_stage: whoever stages the image waits for its lock, though not for ever.
        pending.delete_image(image_id, asked_at=looked_at)
    database.drop_property(image_id, database.LOCK)
    LOG.info("Mended image %s after the death of a process during its import: %s", image_id, text or "it was done")
    return True


def _mend_image(image, record, keep, size):
    status = image.status
    unfinished = [name for name in image.extra_properties.get(database.IMPORTING_TO, "").split(",") if name]
    known = {place["metadata"].get("store") for place in image.locations}
    begun = set(unfinished or record.get("stores") or [None])
    # The next import would give the image a second location in a store that has it by now, so all let go of it, as when one fails.
    removed = begun | known if status == "importing" else begun - known
    if status != "active" or unfinished:
        leftovers.remove(image.image_id, removed, record.get("import_id"))
    if status == "importing":
        image = database.drop_locations(image.image_id)
    if unfinished:
        failed = set(image.extra_properties.get(database.FAILED_IN, "").split(",")) | set(unfinished)
        image.extra_properties[database.FAILED_IN] = ",".join(sorted(name for name in failed if name))
        image.extra_properties[database.IMPORTING_TO] = ""
    if status == "importing":
        image.status = "queued"
        before = record.get("before") or {}
        for name in ("disk_format", "container_format"):
            if before.get(name):
                setattr(image, name, before[name])
        for name, value in before.get("digests", {}).items():
            setattr(image, name, value)
        signatures.restore(image.extra_properties, before.get("properties") or {})
        if keep:
            image.status = "uploading"
            image.size = size
    if not database.save(image, status):
        raise RuntimeError("Image %s changed while it was mended." % image.image_id)


def _decide(image_id, method, before):
    """Whether the staged bytes are kept for another import, and their size. SidecarError: that is not known."""
    if method != "glance-direct":
        return False, None
    try:
        staged = _find_staged(image_id)
    except SidecarError as failure:
        if failure.down or not before.get("size"):
            raise
        return True, before["size"]  # on a pod that is away
    return staged is not None, staged.size if staged is not None else None


def _find_task(record, image):
    task = database.find_task(record.get("task_id"))
    if task is not None or image is None:
        return task
    # The process died before it knew the task, but both were made for the same request.
    task = database.find_task(image.extra_properties.get(database.LOCK))
    if task is not None and record.get("request_id") and task.request_id == record["request_id"]:
        return task
    return None


def _method_of(task):
    return ((task.task_input or {}).get("import_req") or {}).get("method", {}).get("name")


def _succeed(task, image_id):
    if task.status == "processing":
        task.succeed({"image_id": image_id})
        database.save_task(database.tasks(), task)


def _find_staged(image_id):
    try:
        return client.get().call("Staging.GetImage", image_id=image_id)
    except SidecarError as failure:
        if failure.not_found:
            return None
        raise


def _is_being_uploaded(image_id):
    try:
        state = client.get().call("Staging.GetUpload", image_id=image_id).state
    except SidecarError as failure:
        if failure.not_found:
            return False
        raise
    return state in (messages.Upload.RECEIVING, messages.Upload.RESERVED)
