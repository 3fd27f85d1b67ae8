"""The RBD store: the sidecar writes the image to Ceph, many objects at once and no zeros."""

from glance_store._drivers import rbd

from glance_sidecar.stores.refusal import SETTINGS, Unsupported
from glance_sidecar.stores.written import WrittenStore

# glance_store looks for the location class in the module of the driver.
StoreLocation = rbd.StoreLocation

# What the sidecar takes for the size of an object.
_ORDERS = range(12, 26)


class Store(WrittenStore, rbd.Store):
    """Glance's RBD store."""

    def _target(self):
        target = {
            "configuration_file": self.conf_file, "user": self.user, "pool": self.pool, "order": self._order()}
        # From glance_store 4.3 on it is no attribute of the driver.
        timeout = self._setting("rados_connect_timeout")
        if timeout and timeout > 0:
            target["connect_timeout"] = {"seconds": timeout}
        return {"rbd": target}

    def _specs(self, image_id, facts):
        return {"fsid": facts["fsid"], "pool": self.pool, "image": image_id, "snapshot": facts["snapshot"]}

    def _pool(self):
        return "pool %s" % self.pool

    def _check(self):
        super()._check()
        if self._order() not in _ORDERS:
            raise Unsupported(SETTINGS, "Ceph has no objects of %d bytes (rbd_store_chunk_size)" % self.WRITE_CHUNKSIZE)

    def _order(self):
        # As the driver rounds it.
        return max(self.WRITE_CHUNKSIZE, 1).bit_length() - 1
