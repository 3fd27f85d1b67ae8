"""What our drivers share whose images the sidecar writes to the store, with the digests by the way."""

import re

import grpc

from glance_store import exceptions
from oslo_log import log as logging

from glance_sidecar.imports import live
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores.direct import DirectStore
from glance_sidecar.stores.refusal import SETTINGS, SIDECAR_CANNOT, Unsupported
from glance_sidecar.stores.writing import StoreWrite

LOG = logging.getLogger(__name__)

# What the sidecar takes for the name of a store; the only store has no name.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
_ONLY = "default"


class WrittenStore(DirectStore):
    """Goes before a driver of glance_store in a class, which has _target, _specs and _pool."""

    needs_digests = False

    def write_of(self, source_id, image_id):
        """The write of a result of the sidecar's to this store."""
        return StoreWrite(source_id, str(image_id), self._name(), self._target())

    def _target(self):
        """Where the store is, as the API's StoreTarget."""
        raise NotImplementedError

    def _specs(self, image_id, facts):
        """What the location of an image is made of, as the driver makes it."""
        raise NotImplementedError

    def _pool(self):
        """What the images are in, for the log: it must have no secret."""
        raise NotImplementedError

    def _check(self):
        if not _NAME.match(self._name()):
            raise Unsupported(SETTINGS, "the sidecar has no such names of stores")

    def _place(self, image_id, output, file, algorithms, tell):
        running = live.of_image(image_id)
        stored = running.ahead.stored.get(self._name()) if running is not None and output.is_stub else None
        try:
            stored = stored or self.write_of(output.source_id, image_id).run(algorithms, tell)
        except SidecarError as failure:
            raise _to_exception(image_id, failure) from failure
        if running is not None:
            running.stored.append((output.source_id, self._name()))
        place = self.get_store_location_class()(self._specs(str(image_id), dict(stored.facts)), self.conf)
        LOG.info("The sidecar wrote image %s of %d bytes to %s.", image_id, output.size, self._pool())
        metadata = {"store": self.backend_group} if self.backend_group else {}
        return place.get_uri(), metadata, dict(stored.digests)

    def _take_back(self, image_id, output, url):
        try:
            self.write_of(output.source_id, image_id).discard()
        except SidecarError as failure:
            LOG.warning("What was written of image %s could not be discarded: %s", image_id, failure.message)

    def _name(self):
        return self.backend_group or _ONLY


def _to_exception(image_id, failure):
    if failure.reason == "STORE_UNSUPPORTED" or failure.code == grpc.StatusCode.UNIMPLEMENTED:
        return Unsupported(SIDECAR_CANNOT, "the sidecar cannot write to this store: %s" % failure.message)
    if failure.reason == "STORE_DUPLICATE":
        return exceptions.Duplicate(image=image_id)
    if failure.reason == "STORE_FULL":
        return exceptions.StorageFull()
    if failure.reason == "STORE_DENIED":
        return exceptions.StorageWriteDenied()
    return exceptions.BackendException("%s (%s)" % (failure.message, failure.reason or failure.code.name))
