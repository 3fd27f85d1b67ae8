"""
Writes an image to its stores ahead of Glance. Where the sidecar writes to all stores of an import, the pod that has the staged image
does it: nothing is brought here, and a conversion to raw is a part of the write, so that no raw file is made. Glance is given a stub
of the right length, and its stores find that they have the image.
"""

import os

import grpc
from oslo_log import log as logging

from glance_sidecar import volume
from glance_sidecar.rpc.errors import CONTENT_REASONS, SidecarError
from glance_sidecar.stores.refusal import SIDECAR_CANNOT, Unsupported

LOG = logging.getLogger(__name__)

_DIRECTORY = "stubs"
# As many stores does the sidecar take beside the one that is asked for.
_MOST_OTHERS = 16
# The sidecar that has the image has no way to the store, or is too old to be asked: then the output is made as a file.
_IMPOSSIBLE = ("STORE_UNSUPPORTED", "STORE_SOURCE_GONE", "NOT_FOR_PEERS")


class Ahead:
    """The output of one import on its way to stores, which are drivers of ours that have write_of."""

    def __init__(self, image_id, import_id, size, stores):
        self._image_id = image_id
        self._import_id = import_id
        self._size = size
        self._stores = stores
        self.path = os.path.join(volume.state_directory(_DIRECTORY), import_id)
        # What stores have, by their names.
        self.stored = {}

    def write(self, algorithms, tell):
        """
        Writes to all stores, and returns the digests, algorithm to hex. A store that fails is asked again by Glance, which knows
        whether it may; when all fail, or the image is at fault, SidecarError is raised. Raises Unsupported, with nothing left in
        a store, where the sidecar cannot write. tell: given a text now and then; what it raises ends this.
        """
        failures = []
        writes = [self._of(store) for store in self._stores]
        for number, (store, write) in enumerate(zip(self._stores, writes)):
            try:
                others = writes[number + 1:][:_MOST_OTHERS]
                self.stored[_name(store)] = write.run(algorithms, lambda done: tell(self._describe(store, done)), others)
            except SidecarError as failure:
                if failure.reason in _IMPOSSIBLE or failure.code == grpc.StatusCode.UNIMPLEMENTED:
                    self.discard()
                    raise Unsupported(SIDECAR_CANNOT, "the sidecar cannot write to this store: %s" % failure.message) from failure
                if failure.reason in CONTENT_REASONS:
                    raise
                failures.append(failure)
        if not self.stored:
            raise failures[0]
        self._make_stub()
        return dict(next(iter(self.stored.values())).digests)

    def discard(self, but=()):
        """Removes the stub, and what stores have, except those named. Never raises: a later mending finds the rest."""
        _unlink(self.path)
        for store in self._stores:
            if _name(store) in but:
                continue
            try:
                self._of(store).discard()
            except SidecarError as failure:
                LOG.warning("What was written to store %s could not be discarded: %s", _name(store), failure.message)

    def _of(self, store):
        return store.write_of(self._import_id, self._image_id)

    def _make_stub(self):
        # Of zeros, and nothing else could be made of it: the image has the digests of the true bytes by the time that it is
        # read, if ever it is, and Glance refuses what has others.
        _unlink(self.path)
        with open(self.path, "xb") as stub:
            stub.truncate(self._size)

    def _describe(self, store, done):
        return "Writing to store %s: %d of %d MiB" % (_name(store), done >> 20, self._size >> 20)


def import_of(path):
    """The import whose stub has this path; None when it is no stub."""
    directory, name = os.path.split(path)
    return name if directory == volume.state_directory(_DIRECTORY) else None


def forget(import_id):
    """Removes the stub of a process that ended."""
    _unlink(os.path.join(volume.state_directory(_DIRECTORY), import_id))


def _name(store):
    return store.backend_group or "default"


def _unlink(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
