"""Brings a stream of bytes to the sidecar as a staged image: through a file on the volume, or over gRPC."""

import errno
import os
import time

import grpc
from oslo_log import log as logging

from glance_sidecar import volume
from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.uploads.sender import Sender

LOG = logging.getLogger(__name__)

# Large enough that system calls do not count, small enough for forty uploads at once.
BLOCK = 1024 * 1024
# How much is written between two words with the space ledger.
STEP = 64 * 1024 * 1024


def blocks(source, size=BLOCK):
    """The bytes of a reader, or of an iterable, in blocks."""
    if not hasattr(source, "read"):
        yield from source
        return
    while True:
        block = source.read(size)
        if not block:
            return
        yield block


class Intake:
    """One image on its way to the sidecar. claims: fields that the image is checked by and shown with."""

    def __init__(self, image_id, declared, reservation, claims, patience, on_step):
        self._image_id = image_id
        self._declared = declared
        self._reservation = reservation
        self._claims = claims
        self._patience = patience
        self._on_step = on_step

    def through_file(self, source):
        """Writes the file here and has it adopted. Returns its size; raises SidecarError, or what source raises."""
        path = os.path.join(volume.state_directory("incoming"), self._image_id)
        try:
            size = self._write(path, source)
            self._check(size)
            adopt(self._image_id, path, size, self._reservation, self._claims, self._patience)
        finally:
            # Gone already when it was adopted.
            _remove(path)
        return size

    def through_call(self, source):
        """Sends the bytes over a Stage call; otherwise as through_file."""
        sender = Sender(self._image_id, self._declared, self._reservation, self._claims, self._on_step)
        try:
            return sender.send(blocks(source, BLOCK))
        except BaseException:
            self._abort()
            raise

    def _abort(self):
        # Glance cannot resume an upload, so what arrived of it would only lie there.
        try:
            client.get().call("Staging.AbortUpload", image_id=self._image_id)
        except SidecarError as failure:
            LOG.info("The rest of the upload of image %s stays until the sidecar removes it: %s",
                     self._image_id, failure.message)

    def _write(self, path, source):
        written = 0
        told = 0
        _remove(path)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
        try:
            self._tell(0)
            for block in blocks(source):
                _write_all(file, block)
                written += len(block)
                if written - told >= STEP:
                    told = written
                    self._tell(written)
        finally:
            os.close(file)
        return written

    def _check(self, size):
        if self._declared is not None and size != self._declared:
            raise SidecarError(
                grpc.StatusCode.FAILED_PRECONDITION, "LENGTH_MISMATCH",
                "%d bytes arrived of %d: the source ended early." % (size, self._declared))

    def _tell(self, written):
        if self._reservation is not None:
            if self._declared is not None:
                self._reservation.adjust(self._declared - written)
            else:
                # What was promised is written now. Room for the next step is asked for again: the same number of bytes would
                # only be the old promise again, however little is free by now.
                self._reservation.adjust(0)
                self._reservation.adjust(STEP)
        self._on_step(written)


def adopt(image_id, path, size, reservation=None, claims=None, patience=0):
    """
    Has the sidecar take a file of the staging directory over, waiting up to patience seconds for one that went away.
    Returns the staged image. Raises SidecarError; the file then lies where it was.
    """
    give_up = time.monotonic() + patience
    _share_with_group(path)
    asked_before = False
    replaced = False
    while True:
        try:
            return client.get().call(
                "Staging.AdoptFile", timeout=client.ADOPT_TIMEOUT, image_id=image_id, path=volume.to_sidecar(path),
                expected_size=size, reservation_id=reservation.id if reservation else None, **(claims or {}))
        except SidecarError as failure:
            if asked_before and failure.reason in ("ADOPT_REFUSED", "ALREADY_STAGED") and not os.path.exists(path):
                # The first answer was lost, not the request.
                return client.get().call("Staging.GetImage", image_id=image_id)
            if failure.reason == "ALREADY_STAGED" and not replaced:
                # Glance asks for this image to be written, so what was staged before is no longer wanted.
                replaced = True
                client.get().call("Staging.DeleteImage", timeout=client.DELETE_TIMEOUT, image_id=image_id)
            elif failure.reason == "RESERVATION_NOT_FOUND" and reservation is not None:
                reservation = None
            elif failure.down and time.monotonic() < give_up:
                asked_before = True
                LOG.info("Waiting for the sidecar to take over image %s: %s", image_id, failure.message)
                client.get().pause(0.25)
            else:
                raise


def _share_with_group(path):
    try:
        # The sidecar is another user of the same group, and Glance's umask may have left the group nothing.
        os.chmod(path, 0o660)
    except OSError as failure:
        LOG.info("The mode of %s stays as it is: %s", path, failure)


def _write_all(file, block):
    view = memoryview(block)
    try:
        while view:
            view = view[os.write(file, view):]
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise SidecarError(
                grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_SPACE", "The staging volume is full.") from failure
        raise SidecarError(
            grpc.StatusCode.DATA_LOSS, "DISK_FAILED", "The staging volume failed: %s." % failure.strerror) from failure


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
