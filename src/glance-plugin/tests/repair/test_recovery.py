"""What is made of the work of a process that was killed."""

import os
import time
import unittest

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.imports import unfinished_import
from tests.harness.keys import Signer
from tests.harness.support import SCRATCH
from tests.harness.worker import Worker


class RecoveryTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        from glance_sidecar import database
        from glance_sidecar.repair import recovery
        self.database = database
        self.recovery = recovery.Recovery()

    def die_with(self, kind, image_id, **fields):
        """A process that had this record and was killed."""
        worker = Worker(kind, image_id, **fields)
        self.addCleanup(worker.end)
        worker.kill()

    def import_that_died(self, content, disk_format, method="glance-direct", stage=True, know_task=True,
                         properties=None):
        """An image and its task as a process leaves them that is killed while it writes to the store."""
        image_id, task_id = unfinished_import(self.user, content, disk_format, method, stage)
        self.die_with("import", image_id, method=method, stores=["fast"], request_id="req-1",
                      task_id=task_id if know_task else None,
                      before={"disk_format": disk_format, "container_format": "bare", "size": len(content),
                              "properties": properties or {}})
        return image_id, task_id

    def assert_mended(self, image_id, task_id, status, size):
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["size"]), (status, size))
        self.assertEqual(image["os_glance_failed_import"], "fast")
        self.assertNotIn("os_glance_import_task", image)
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))
        task = self.database.find_task(task_id)
        self.assertEqual(task.status, "failure")
        self.assertIn("process that ran this import ended", task.message)

    def test_import_whose_bytes_are_staged_can_be_imported_again(self):
        packed, plain = qcow2()
        image_id, task_id = self.import_that_died(packed, "qcow2")
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", len(packed))
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["size"]), ("success", len(plain)), task["message"])

    def test_store_that_was_done_has_the_image_once_after_the_next_import(self):
        content = b"a" * 1000
        image_id, task_id = unfinished_import(self.user, content)
        done = os.path.join(SCRATCH, "slow", image_id)
        with open(done, "wb") as file:
            file.write(content)
        self.database.gateway().db_api.image_location_add(
            self.database.admin(), image_id, {"url": "file://" + done, "metadata": {"store": "slow"}, "status": "active"})
        self.die_with("import", image_id, method="glance-direct", stores=["slow", "fast"], task_id=task_id)
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", len(content))
        self.assertFalse(os.path.exists(done))
        self.assertEqual(self.user.start_import(image_id, stores=["slow", "fast"]).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["stores"]), ("success", "slow,fast"), task["message"])

    def test_signature_that_was_taken_off_is_back_so_that_the_next_import_verifies_it(self):
        packed, _ = qcow2()
        signer = Signer(glance.keys())
        properties = signer.properties(packed + b"of somebody else")
        image_id, task_id = self.import_that_died(packed, "qcow2", properties=properties)
        image = self.database.find_image(image_id)
        image.extra_properties["img_signature_verified_with"] = signer.certificate_uuid
        self.database.save(image, "importing")
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", len(packed))
        image = self.user.show(image_id)
        self.assertEqual({name: image.get(name) for name in properties}, properties)
        self.assertNotIn("img_signature_verified_with", image)
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        self.assertIn("SIGNATURE_INVALID", self.user.end_of_import(image_id)["message"])

    def test_process_that_died_before_it_knew_its_task_is_mended_too(self):
        image_id, task_id = self.import_that_died(b"a" * 1000, "raw", know_task=False)
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", 1000)

    def test_download_that_died_makes_the_image_queued(self):
        image_id, task_id = self.import_that_died(b"a", "raw", method="web-download", stage=False)
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "queued", None)

    def test_import_that_somebody_else_runs_is_left_alone(self):
        image_id, _ = self.import_that_died(b"a" * 1000, "raw")
        images = self.database.images()
        image = images.get(image_id)
        images.delete_property_atomic(image, self.database.LOCK, image.extra_properties[self.database.LOCK])
        images.set_property_atomic(image, self.database.LOCK, "another-task")
        self.recovery.turn()
        self.assertEqual(self.user.show(image_id)["status"], "importing")
        self.assertTrue(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))

    def test_nothing_is_decided_while_the_sidecar_is_away(self):
        image_id, task_id = self.import_that_died(b"a" * 1000, "raw")
        daemon = glance.daemon()
        self.addCleanup(daemon.start_again)
        daemon.kill()
        with self.assertLogs("glance_sidecar.repair.recovery", "ERROR"):
            self.recovery.turn()
        self.assertEqual(self.user.show(image_id)["status"], "importing")
        daemon.start_again()
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", 1000)

    def test_upload_that_died_can_be_staged_anew(self):
        image_id = self.user.create()
        image = self.database.find_image(image_id)
        image.status = "uploading"
        self.database.save(image, "queued")
        from glance_sidecar import volume
        part = os.path.join(volume.state_directory("incoming"), image_id)
        open(part, "w").close()
        self.die_with("stage", image_id)
        self.recovery.turn()
        self.assertEqual(self.user.show(image_id)["status"], "queued")
        self.assertFalse(os.path.exists(part))

    def assert_can_be_staged(self, image_id, content):
        if self.user.show(image_id)["status"] == "queued":
            self.assertEqual(self.user.stage(image_id, content).status_int, 204)
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        task = self.user.end_of_import(image_id)
        self.assertEqual((task["status"], self.user.show(image_id)["size"]), ("success", len(content)), task["message"])

    def test_upload_that_follows_a_mended_one_at_once_is_kept(self):
        image_id = self.user.create()
        image = self.database.find_image(image_id)
        image.status = "uploading"
        self.database.save(image, "queued")
        self.die_with("stage", image_id)
        glance.stage_before_removals(self, self.user, b"b" * 2000)
        self.recovery.turn()
        self.assert_can_be_staged(image_id, b"b" * 2000)

    def test_upload_that_follows_a_mended_import_at_once_is_kept(self):
        image_id, _ = self.import_that_died(b"a", "raw", method="web-download", stage=False)
        glance.stage_before_removals(self, self.user, b"b" * 2000)
        self.recovery.turn()
        self.assert_can_be_staged(image_id, b"b" * 2000)

    def test_upload_that_died_after_its_last_byte_can_be_imported(self):
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        image = self.database.find_image(image_id)
        image.size = None
        self.database.save(image, "uploading")
        self.die_with("stage", image_id)
        self.recovery.turn()
        self.assertEqual((self.user.show(image_id)["status"], self.user.show(image_id)["size"]), ("uploading", 1000))

    def test_removal_that_was_put_off_keeps_what_was_staged_after_its_time(self):
        from glance_sidecar.repair import pending
        from glance_sidecar.rpc import client
        image_id = self.user.create()
        before = time.time()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        daemon = glance.daemon()
        self.addCleanup(daemon.start_again)
        daemon.kill()
        pending.delete_image(image_id, asked_at=before)
        self.assertIn(("delete", image_id), pending.waiting())
        daemon.start_again()
        self.assertEqual(pending.settle(), 0)
        self.assertEqual(client.get().call("Staging.GetImage", image_id=image_id).size, 1000)

    def test_only_one_process_mends_at_a_time(self):
        import fcntl
        from glance_sidecar import volume
        image_id, task_id = self.import_that_died(b"a" * 1000, "raw")
        with open(os.path.join(volume.state_directory(), "recovery.lock"), "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.recovery.turn()
            self.assertEqual(self.user.show(image_id)["status"], "importing")
        self.recovery.turn()
        self.assert_mended(image_id, task_id, "uploading", 1000)
