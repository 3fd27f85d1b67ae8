"""Removals at the sidecar. One that cannot be asked for, as it is down, is written down and made when it is back."""

import json
import os
import re

from oslo_log import log as logging

from glance_sidecar import volume
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)

# The settling thread asks seldom, and a connection is made only while somebody waits for it.
_PATIENCE = 5

_NAME = re.compile(r"^(delete|release)-([0-9a-f-]{36})$")


def delete_image(image_id, fallback_file=None, asked_at=None):
    """
    Removes an image's staged bytes, and all that was made of them, on every pod. Never raises. asked_at: as for
    remove_image.
    """
    _remove("delete", image_id, fallback_file, asked_at)


def remove_image(image_id, asked_at=None, patience=0):
    """
    As delete_image, at once; raises SidecarError. asked_at: seconds since 1970 when it should have been done, so that
    what was staged since stays. patience: as for Client.call.
    """
    deleted_at = None
    if asked_at is not None:
        deleted_at = messages.of("google.protobuf.Timestamp")(
            seconds=int(asked_at), nanos=int(asked_at % 1 * 1_000_000_000))
    client.get().call(
        "Staging.DeleteImage", timeout=client.DELETE_TIMEOUT, patience=patience, image_id=image_id, deleted_at=deleted_at)


def release_import(import_id, fallback_file=None):
    """Removes a finished import, its output and its staged image. Never raises."""
    _remove("release", import_id, fallback_file)


def waiting():
    """The removals that are written down, as pairs of kind and id."""
    found = (_NAME.match(name) for name in os.listdir(volume.state_directory("pending")))
    return [match.groups() for match in found if match]


def settle():
    """Makes the removals that are written down. Returns how many are left, all of them when the sidecar is down."""
    left = waiting()
    patience = _PATIENCE
    for kind, subject in list(left):
        try:
            _ask(kind, subject, _asked_at(kind, subject), patience)
        except SidecarError as failure:
            if failure.down:
                return len(left)
            patience = 0
            LOG.warning("The %s of %s, put off earlier, was refused: %s", kind, subject, failure.message)
            if failure.transient:
                continue
        else:
            LOG.info("The %s of %s, put off earlier, is done.", kind, subject)
        _forget(kind, subject)
        left.remove((kind, subject))
    return len(left)


def _remove(kind, subject, fallback_file, asked_at=None):
    try:
        _ask(kind, subject, asked_at)
    except SidecarError as failure:
        LOG.warning("The %s of %s is put off: %s", kind, subject, failure.message)
        try:
            _note(kind, subject, asked_at)
            # Space is what removing is about; the sidecar's own records follow when it is back.
            if failure.down and fallback_file and os.path.isfile(fallback_file):
                os.unlink(fallback_file)
        except OSError:
            LOG.exception("The %s of %s could not be put off.", kind, subject)


def _ask(kind, subject, asked_at=None, patience=0):
    try:
        if kind == "delete":
            remove_image(subject, asked_at, patience)
        else:
            client.get().call("Imports.ReleaseImport", timeout=client.DELETE_TIMEOUT, patience=patience, import_id=subject)
    except SidecarError as failure:
        if not failure.not_found:
            raise


# The time of a note is the time of its file.
def _note(kind, subject, asked_at):
    with open(_path(kind, subject), "w") as file:
        json.dump({"kind": kind, "id": subject}, file)
    if asked_at is not None:
        os.utime(_path(kind, subject), (asked_at, asked_at))


def _asked_at(kind, subject):
    try:
        return os.stat(_path(kind, subject)).st_mtime
    except FileNotFoundError:
        return None


def _forget(kind, subject):
    try:
        os.unlink(_path(kind, subject))
    except FileNotFoundError:
        pass


def _path(kind, subject):
    return os.path.join(volume.state_directory("pending"), "%s-%s" % (kind, subject))
