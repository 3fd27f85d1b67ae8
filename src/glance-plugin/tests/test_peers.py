"""Some pod does not answer."""

import socket
import unittest

from oslo_config import cfg

from tests import glance
from tests.daemon import Daemon


class PeersTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % nobody.getsockname()[1]
        lonely = Daemon(
            Peers__Static__0="glance-1=" + address, Peers__Address="127.0.0.1:0", Peers__AllowPlaintext="true",
            Peers__LocateTimeout="00:00:00.500")
        self.addCleanup(lonely.close)
        lonely.start()
        # Its directory is not Glance's, so the bytes are sent.
        for name, value in (("address", lonely.address), ("transfer", "stream")):
            cfg.CONF.set_override(name, value, "staging_sidecar")
            self.addCleanup(cfg.CONF.clear_override, name, "staging_sidecar")

    def test_an_image_is_staged_all_the_same(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, b"a" * 1000)
        self.assertEqual((answer.status_int, answer.text), (204, ""))

    def test_import_of_an_image_that_the_silent_pod_may_have_is_503_and_names_it(self):
        from glance_sidecar import client
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        client.get().call("Staging.DeleteImage", image_id=image_id)
        answer = self.user.start_import(image_id)
        self.assertEqual(answer.status_int, 503, answer.text)
        self.assertIn("glance-1", answer.text)
        self.assertEqual(self.user.show(image_id)["status"], "uploading")
        again = self.user.stage(image_id, b"b" * 1000)
        self.assertEqual(again.status_int, 503, "that pod may be receiving it")
