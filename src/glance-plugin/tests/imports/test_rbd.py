"""How Glance's settings of an RBD store become the sidecar's, over the driver that is installed."""

import unittest
from unittest import mock

from oslo_config import cfg

from glance_store._drivers import rbd as driver

from glance_sidecar.stores import rbd
from glance_sidecar.stores.refusal import Unsupported


def _store(**settings):
    conf = cfg.ConfigOpts()
    conf.register_opts(driver._RBD_OPTS, group="glance_store")
    conf([], default_config_files=[])
    values = dict(rbd_store_ceph_conf="/etc/ceph/other.conf", rbd_store_user="glance", rbd_store_pool="pictures")
    for name, value in dict(values, **settings).items():
        conf.set_override(name, value, group="glance_store")
    # Nothing of Ceph is asked here, but later drivers want its libraries to be there.
    with mock.patch.multiple(driver, rados=mock.Mock(), rbd=mock.Mock()):
        store = rbd.Store(conf)
        store.configure_add()
    return store


class TargetTest(unittest.TestCase):
    def target(self, **settings):
        store = _store(**settings)
        store._check()
        return store._target()["rbd"]

    def test_settings_are_the_drivers(self):
        self.assertEqual(self.target(), {
            "configuration_file": "/etc/ceph/other.conf", "user": "glance", "pool": "pictures", "order": 23})

    def test_size_of_an_object_is_rounded_as_the_driver_does(self):
        self.assertEqual(self.target(rbd_store_chunk_size=12)["order"], 23)
        with self.assertRaisesRegex(Unsupported, "rbd_store_chunk_size"):
            self.target(rbd_store_chunk_size=64)

    def test_timeout_counts_where_one_is_set(self):
        for timeout in (-1, 0):
            self.assertNotIn("connect_timeout", self.target(rados_connect_timeout=timeout))
        self.assertEqual(self.target(rados_connect_timeout=7)["connect_timeout"], {"seconds": 7})

    def test_driver_that_does_not_keep_the_timeout_is_as_good(self):
        store = _store(rados_connect_timeout=7)
        # As from glance_store 4.3 on.
        store.__dict__.pop("connect_timeout", None)
        self.assertEqual(store._target()["rbd"]["connect_timeout"], {"seconds": 7})


if __name__ == "__main__":
    unittest.main()
