"""Which file is a result of the sidecar's, and what the sidecar said of its bytes."""

import os
import stat

from glance_sidecar import database
from glance_sidecar import volume
from glance_sidecar.imports import live
from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores.refusal import UNKNOWN_BYTES, Unsupported


class Output:
    """
    A file with known digests (algorithm to hex) that nobody changes any more. source_id: what the sidecar finds it by. is_stub: it
    has the length of the image, and not its bytes.
    """

    def __init__(self, source_id, path, digests, disk_format, is_stub=False):
        self.source_id = source_id
        self.path = path
        self.digests = digests
        self.disk_format = disk_format
        self.is_stub = is_stub
        self._status = _status(path)
        self.size = self._status.st_size

    @classmethod
    def of_import(cls, import_id, result):
        """From what the sidecar answered to an import; its file must be on this pod's volume by now."""
        return cls(import_id, os.path.abspath(volume.from_sidecar(result.output_path)), dict(result.digests), result.disk_format)

    def is_open_as(self, file):
        """Whether that open file is this one, and not another that has its name by now, or had it before."""
        there = os.fstat(file.fileno())
        return os.path.abspath(file.name) == self.path and _identity(there) == _identity(self._status) == _identity(_status(self.path))


def find(image_id, file):
    """The output that is open as file. Raises Unsupported when it is none of that image."""
    try:
        running = live.of_image(image_id)
        output = running.output if running is not None else None
        if output is None or not output.is_open_as(file):
            output = _staged(image_id, file)
    except OSError as failure:
        raise Unsupported(UNKNOWN_BYTES, "its file cannot be looked at: %s" % failure) from failure
    if output is None:
        raise Unsupported(UNKNOWN_BYTES, "%s is not what the sidecar made of it" % file.name)
    return output


def _staged(image_id, file):
    """What copy-image has staged: no import of the sidecar's made it, but the sidecar may know its digests."""
    path = volume.staged_file(image_id)
    if os.path.abspath(file.name) != path:
        return None
    try:
        known = client.get().call("Staging.GetImage", image_id=image_id)
    except SidecarError as failure:
        raise Unsupported(UNKNOWN_BYTES, "the sidecar does not say what is staged: %s" % failure.message) from failure
    # Glance would find the virtual size of one that has none.
    image = database.find_image(image_id)
    known_format = image.disk_format if image is not None and image.virtual_size else None
    output = Output(image_id, path, dict(known.digests), known_format)
    return output if output.is_open_as(file) and output.size == known.size else None


def _status(path):
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("%s is not a regular file" % path)
    return status


def _identity(status):
    # The number of a file that was removed is given to another one.
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
