"""Imports: Glance, filter, driver, plugin and sidecar, all real."""

import gzip
import hashlib
import os
import unittest

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.support import SCRATCH, wait_until


class ImportTest(glance.Imports, unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.staging = glance.daemon().staging

    def assert_active(self, image_id, plain, task):
        self.assertEqual(task["status"], "success", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["disk_format"], image["size"], image["virtual_size"]),
                         ("active", "raw", len(plain), len(plain)))
        self.assertEqual(image["os_hash_value"], hashlib.sha512(plain).hexdigest())
        self.assert_nothing_staged(image_id)

    def assert_nothing_staged(self, image_id):
        self.assertFalse(os.path.exists(os.path.join(self.staging, image_id)))
        self.assertEqual(self.imports_of(image_id), [])

    def imports_of(self, image_id):
        from glance_sidecar.rpc import client
        return [each.import_id for each in client.get().open("Imports.ListImports", image_id=image_id, timeout=20)]

    def test_staged_qcow2_becomes_active_as_raw(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        self.assertEqual(self.user.show(image_id)["size"], len(packed))
        self.assert_active(image_id, plain, self.run_import(image_id))

    def test_compressed_image_becomes_active_as_raw(self):
        packed, plain = qcow2()
        image_id = self.stage(gzip.compress(packed, 1), "qcow2")
        self.assert_active(image_id, plain, self.run_import(image_id))

    def test_image_that_needs_no_change_is_stored_as_it_is(self):
        plain = os.urandom(1 << 20)
        image_id = self.stage(plain)
        self.assert_active(image_id, plain, self.run_import(image_id))

    def test_formats_that_only_the_operator_knows_are_left_alone(self):
        for disk_format, properties in (("root-tar", {}), ("qcow2", {"container_format": "lxd"})):
            packed = gzip.compress(os.urandom(1 << 20), 1)
            image_id = self.stage(packed, disk_format, **properties)
            task = self.run_import(image_id)
            self.assertEqual(task["status"], "success", task["message"])
            image = self.user.show(image_id)
            self.assertEqual((image["status"], image["disk_format"], image["os_hash_value"]),
                             ("active", disk_format, hashlib.sha512(packed).hexdigest()))

    def test_property_that_users_may_not_set_is_the_operators_to_inject(self):
        refused = self.user.ask("POST", "/images", {
            "name": "test", "disk_format": "raw", "container_format": "bare", "x_operator_seal": "broken"})
        self.assertEqual(refused.status_int, 403, refused.text)
        plain = os.urandom(1 << 20)
        image_id = self.stage(plain)
        self.assert_active(image_id, plain, self.run_import(image_id))
        self.assertEqual(self.user.show(image_id)["x_operator_seal"], "unbroken")

    def test_bytes_sent_over_a_call_are_imported_too(self):
        from oslo_config import cfg
        cfg.CONF.set_override("transfer", "stream", "staging_sidecar")
        self.addCleanup(cfg.CONF.clear_override, "transfer", "staging_sidecar")
        packed, plain = qcow2(8)
        image_id = self.stage(packed, "qcow2")
        self.assert_active(image_id, plain, self.run_import(image_id))

    def test_refused_content_makes_the_image_queued_and_the_task_says_why(self):
        image_id = self.stage(gzip.compress(qcow2()[0], 1), "vmdk")
        task = self.run_import(image_id)
        self.assertEqual(task["status"], "failure")
        self.assertIn("FORMAT_MISMATCH", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["size"], image["disk_format"]), ("queued", None, "vmdk"))
        self.assertEqual(image["os_glance_failed_import"], "fast")
        self.assertNotIn("os_glance_import_task", image)
        self.assert_nothing_staged(image_id)

    def test_after_a_failed_store_the_import_is_repeated_without_upload_or_conversion(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        in_the_way = os.path.join(SCRATCH, "fast", image_id)
        with open(in_the_way, "wb") as file:
            file.write(b"of somebody else")

        task = self.run_import(image_id)
        self.assertEqual(task["status"], "failure")
        self.assertIn("import it again", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["size"], image["disk_format"]), ("uploading", len(packed), "qcow2"))
        first = self.imports_of(image_id)
        self.assertEqual(len(first), 1)

        os.unlink(in_the_way)
        self.assert_active(image_id, plain, self.run_import(image_id))
        self.assertEqual(glance.daemon().count_in_log("Import %s of image %s started" % (first[0], image_id)), 1)

    def test_when_every_store_may_fail_and_does_the_bytes_are_kept(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        in_the_way = [os.path.join(SCRATCH, store, image_id) for store in ("fast", "slow")]
        for path in in_the_way:
            open(path, "w").close()
        task = self.run_import(image_id, stores=["fast", "slow"], all_stores_must_succeed=False)
        self.assertEqual(task["status"], "failure")
        self.assertEqual(self.user.show(image_id)["status"], "uploading")
        for path in in_the_way:
            os.unlink(path)
        self.assert_active(image_id, plain, self.run_import(image_id))

    def test_image_that_is_copied_leaves_nothing_in_the_staging_area(self):
        plain = os.urandom(1 << 20)
        image_id = self.stage(plain)
        self.run_import(image_id)
        admin = glance.User("root", "blue", "admin")
        self.assertEqual(admin.start_import(image_id, "copy-image", stores=["slow"]).status_int, 202)
        task = admin.end_of_import(image_id)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual(sorted(self.user.show(image_id)["stores"].split(",")), ["fast", "slow"])
        self.assert_nothing_staged(image_id)

    def test_lost_bytes_make_the_image_queued(self):
        from glance_sidecar.rpc import client
        image_id = self.stage(b"a" * 1000)
        client.get().call("Staging.DeleteImage", image_id=image_id)
        answer = self.user.start_import(image_id)
        self.assertEqual(answer.status_int, 409)
        self.assertIn("stage it again", answer.text)
        self.assertEqual(self.user.show(image_id)["status"], "queued")

    def test_image_deleted_while_it_is_imported_leaves_nothing(self):
        packed, _ = qcow2(64)
        image_id = self.stage(packed, "qcow2")
        self.assertEqual(self.user.start_import(image_id).status_int, 202)
        self.assertEqual(self.user.ask("DELETE", "/images/" + image_id).status_int, 204)
        from glance_sidecar.repair import records
        wait_until(lambda: records.get("import", image_id) is None, "the import ends")
        wait_until(lambda: self.imports_of(image_id) == [], "the sidecar forgets the import")
        self.assert_nothing_staged(image_id)
