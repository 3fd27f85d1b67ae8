"""The RBD store: the sidecar writes the image to Ceph, many objects at once and no zeros, with the digests by the way."""

import re

import grpc

from glance_store import exceptions
from glance_store._drivers import rbd
from oslo_log import log as logging

from glance_sidecar import live
from glance_sidecar.errors import SidecarError
from glance_sidecar.stores.direct import DirectStore
from glance_sidecar.stores.refusal import Unsupported
from glance_sidecar.stores.writing import StoreWrite

LOG = logging.getLogger(__name__)

# glance_store looks for the location class in the module of the driver.
StoreLocation = rbd.StoreLocation

# What the sidecar takes for the name of a store, and for the size of an object; the only store has no name.
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
_ONLY = "default"
_ORDERS = range(12, 26)


class Store(DirectStore, rbd.Store):
    """Glance's RBD store."""

    needs_digests = False

    def write_of(self, source_id):
        """The write of a result of the sidecar's to this store."""
        target = {
            "configuration_file": self.conf_file, "user": self.user, "pool": self.pool, "order": self._order()}
        if self.connect_timeout > 0:
            target["connect_timeout"] = {"seconds": self.connect_timeout}
        return StoreWrite(source_id, self._name(), {"rbd": target})

    def _check(self):
        if not _NAME.match(self._name()):
            raise Unsupported("the sidecar has no such names of stores")
        if self._order() not in _ORDERS:
            raise Unsupported("Ceph has no objects of %d bytes (rbd_store_chunk_size)" % self.WRITE_CHUNKSIZE)

    def _place(self, image_id, output, file, algorithms, tell):
        try:
            stored = self.write_of(output.source_id).run(algorithms, tell)
        except SidecarError as failure:
            raise _to_exception(image_id, failure) from failure
        running = live.of_image(image_id)
        if running is not None:
            running.stored.append((output.source_id, self._name()))
        facts = dict(stored.facts)
        place = StoreLocation(
            {"fsid": facts["fsid"], "pool": self.pool, "image": str(image_id), "snapshot": facts["snapshot"]}, self.conf)
        LOG.info("The sidecar wrote image %s of %d bytes to pool %s.", image_id, output.size, self.pool)
        metadata = {"store": self.backend_group} if self.backend_group else {}
        return place.get_uri(), metadata, dict(stored.digests)

    def _take_back(self, image_id, output, url):
        try:
            self.write_of(output.source_id).discard()
        except SidecarError as failure:
            LOG.warning("What was written of image %s could not be discarded: %s", image_id, failure.message)

    def _order(self):
        # As the driver rounds it.
        return max(self.WRITE_CHUNKSIZE, 1).bit_length() - 1

    def _name(self):
        return self.backend_group or _ONLY


def _to_exception(image_id, failure):
    if failure.reason == "STORE_UNSUPPORTED" or failure.code == grpc.StatusCode.UNIMPLEMENTED:
        return Unsupported("the sidecar cannot write to this store: %s" % failure.message)
    if failure.reason == "STORE_DUPLICATE":
        return exceptions.Duplicate(image=image_id)
    if failure.reason == "STORE_FULL":
        return exceptions.StorageFull()
    if failure.reason == "STORE_DENIED":
        return exceptions.StorageWriteDenied()
    return exceptions.BackendException("%s (%s)" % (failure.message, failure.reason or failure.code.name))
