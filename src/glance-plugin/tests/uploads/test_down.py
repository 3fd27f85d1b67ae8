"""The sidecar is away."""

import os
import threading
import unittest
from unittest import mock

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.support import wait_until

from oslo_config import cfg


class DownTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.daemon = glance.daemon()
        self.addCleanup(self.daemon.start_again)

    def override(self, name, value):
        cfg.CONF.set_override(name, value, "staging_sidecar")
        self.addCleanup(cfg.CONF.clear_override, name, "staging_sidecar")

    def test_requests_are_refused_with_the_time_to_try_again(self):
        staged = self.user.create()
        self.assertEqual(self.user.stage(staged, b"a" * 1000).status_int, 204)
        fresh = self.user.create()
        self.daemon.kill()
        for answer in (self.user.stage(fresh, b"b" * 1000), self.user.start_import(staged)):
            self.assertEqual(answer.status_int, 503, answer.text)
            self.assertEqual(answer.headers["Retry-After"], "30")
        self.assertEqual(self.user.show(fresh)["status"], "queued")
        self.assertEqual(self.user.show(staged)["status"], "uploading")
        self.daemon.start_again()
        self.assertEqual(self.user.stage(fresh, b"b" * 1000).status_int, 204)

    def test_with_fallback_glance_stages_alone_and_the_sidecar_imports_later(self):
        self.override("when_down", "fallback")
        packed, plain = qcow2()
        image_id = self.user.create("qcow2")
        self.daemon.kill()
        self.assertEqual(self.user.stage(image_id, packed).status_int, 204)
        self.assertEqual(self.user.show(image_id)["size"], len(packed))
        self.daemon.start_again()
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["size"]), ("success", len(plain)), task["message"])

    def test_upload_that_has_begun_waits_for_the_sidecar_to_come_back(self):
        from tests.uploads.test_stage import Gated
        image_id = self.user.create()
        body = Gated(b"c" * 2000000)
        answers = []
        upload = threading.Thread(
            target=lambda: answers.append(self.user.stage(image_id, body, Content_Length=2000000)))
        upload.start()
        self.assertTrue(body.reached.wait(30))
        self.daemon.kill()
        body.go_on.set()
        self.daemon.start_again()
        upload.join()
        self.assertEqual(answers[0].status_int, 204, answers[0].text)
        self.assertEqual(self.user.show(image_id)["size"], 2000000)

    def test_import_that_has_begun_waits_for_the_sidecar_to_come_back(self):
        packed, plain = qcow2(256)
        image_id = self.user.create("qcow2")
        self.assertEqual(self.user.stage(image_id, packed).status_int, 204)
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        self.daemon.kill()
        self.daemon.start_again()
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["size"]), ("success", len(plain)), task["message"])

    def test_import_gives_up_after_a_while_and_can_be_repeated(self):
        self.override("wait", 1)
        packed, plain = qcow2()
        image_id = self.user.create("qcow2")
        self.assertEqual(self.user.stage(image_id, packed).status_int, 204)
        self.override("when_down", "fallback")
        self.daemon.kill()
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual(task["status"], "failure")
        self.assertIn("did not answer", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["size"]), ("uploading", len(packed)))
        self.daemon.start_again()
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["size"]), ("success", len(plain)), task["message"])

    def test_deletion_that_was_put_off_leaves_what_was_staged_since(self):
        from glance_sidecar.repair import pending
        image_id = self.user.create()
        self.daemon.kill()
        pending.delete_image(image_id)
        self.daemon.start_again()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        wait_until(lambda: pending.settle() == 0, "the removal is made")
        self.assertTrue(os.path.exists(os.path.join(self.daemon.staging, image_id)))

    def test_deletion_is_made_up_for(self):
        from glance_sidecar.repair import pending
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        self.daemon.kill()
        self.assertEqual(self.user.ask("DELETE", "/images/" + image_id).status_int, 204)
        self.assertIn(("delete", image_id), pending.waiting())
        # It comes up only now, and nobody else calls: what settles waits for the connection by itself.
        starting = threading.Thread(target=self.daemon.start_again)
        starting.start()
        self.addCleanup(starting.join)
        with mock.patch.object(pending, "_PATIENCE", 60):
            self.assertEqual(pending.settle(), 0)
        self.assertFalse(os.path.exists(os.path.join(self.daemon.staging, image_id)))
