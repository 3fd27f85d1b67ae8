"""A pod whose one peer does not answer."""

import unittest

from oslo_config import cfg

from tests.harness import glance
from tests.harness.daemon import Daemon
from tests.harness.support import free_port


class LonelyTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        lonely = Daemon(
            Peers__Static__0="glance-1=127.0.0.1:%d" % free_port(), Peers__Address="127.0.0.1:0",
            Peers__AllowPlaintext="true", Peers__LocateTimeout="00:00:00.500")
        self.addCleanup(lonely.close)
        lonely.start()
        # Its directory is not Glance's, so the bytes are sent.
        for name, value in (("address", lonely.address), ("transfer", "stream")):
            cfg.CONF.set_override(name, value, "staging_sidecar")
            self.addCleanup(cfg.CONF.clear_override, name, "staging_sidecar")

    def stage_elsewhere(self, image_id):
        """Takes the image's bytes from this pod, so that only the silent one can have them."""
        from glance_sidecar.rpc import client
        client.get().call("Staging.DeleteImage", image_id=image_id)
