"""Images that are staged and imported: Glance, filter, driver, plugin and sidecar, all real."""

import hashlib
import os
import unittest

from tests import glance
from tests.images import qcow2


class ImportTest(unittest.TestCase):
    def setUp(self):
        self.user = glance.User()
        self.app = glance.app()

    def test_staged_qcow2_becomes_active_as_raw(self):
        packed, plain = qcow2()
        image_id = self.user.create("qcow2")
        answer = self.user.stage(image_id, packed)
        self.assertEqual((answer.status_int, answer.text), (204, ""))
        self.assertEqual(self.user.show(image_id)["size"], len(packed))

        answer = self.user.start_import(image_id)
        self.assertEqual(answer.status_int, 202, answer.text)
        task = self.user.end_of_import(image_id)
        self.assertEqual(task["status"], "success", task["message"])

        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["disk_format"], image["size"], image["virtual_size"]),
                         ("active", "raw", len(plain), len(plain)))
        self.assertEqual(image["os_hash_value"], hashlib.sha512(plain).hexdigest())
        self.assertEqual([name for name in os.listdir(glance.daemon().staging) if not name.startswith(".")], [])
        self.assertEqual(os.listdir(os.path.join(glance.daemon().staging, ".sidecar", "imports")), [])
