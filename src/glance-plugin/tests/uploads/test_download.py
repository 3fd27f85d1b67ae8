"""Images that Glance downloads into the staging area."""

import os
import unittest

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.servers import Server


class DownloadTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.packed, self.plain = qcow2()

    def download(self, headers, content):
        server = Server(lambda *_: (200, headers, content))
        self.addCleanup(server.close)
        image_id = self.user.create("qcow2")
        answer = self.user.start_import(image_id, "web-download", server.url + "/image")
        self.assertEqual(answer.status_int, 202, answer.text)
        return image_id, self.user.end_of_import(image_id)

    def test_downloaded_image_is_imported_by_the_sidecar(self):
        image_id, task = self.download({"Content-Length": str(len(self.packed))}, self.packed)
        self.assertEqual(task["status"], "success", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["disk_format"], image["size"]), ("active", "raw", len(self.plain)))
        self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, image_id)))

    def test_refused_download_makes_the_image_queued_and_leaves_nothing(self):
        from glance_sidecar.rpc import client, errors
        image_id, task = self.download({"Content-Length": "1600000"}, b"this is no qcow2" * 100000)
        self.assertEqual(task["status"], "failure")
        self.assertIn("FORMAT_MISMATCH", task["message"])
        self.assertEqual(self.user.show(image_id)["status"], "queued")
        with self.assertRaises(errors.SidecarError) as raised:
            client.get().call("Staging.GetImage", image_id=image_id)
        self.assertEqual(raised.exception.reason, "IMAGE_NOT_FOUND")

    def test_upload_that_follows_a_refused_download_at_once_is_kept(self):
        glance.stage_before_removals(self, self.user, self.packed)
        image_id, task = self.download({"Content-Length": "1600000"}, b"this is no qcow2" * 100000)
        self.assertEqual((task["status"], self.user.show(image_id)["status"]), ("failure", "uploading"))
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual(task["status"], "success", task["message"])
