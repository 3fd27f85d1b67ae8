"""Images that go from the sidecar to their store without being read: Glance, drivers and sidecar are real."""

import contextlib
import hashlib
import os
import stat
import unittest
from unittest import mock

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.keys import Signer
from tests.harness.support import FAR, SCRATCH

MIB = 1024 * 1024


class DirectTest(glance.Imports, unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.staging = glance.daemon().staging
        from oslo_config import cfg
        self.conf = cfg.CONF

    def set(self, name, value, group=None):
        self.conf.set_override(name, value, group)
        self.addCleanup(self.conf.clear_override, name, group)

    @contextlib.contextmanager
    def assert_placed(self, how):
        with self.assertLogs("glance_sidecar.stores.file", "INFO") as log:
            yield
        self.assertRegex("\n".join(log.output), "by a (%s)" % how)

    @contextlib.contextmanager
    def assert_left_to_glance(self, why):
        with self.assertLogs("glance_sidecar.stores.direct", "INFO") as log:
            yield
        self.assertIn(why, "\n".join(log.output))

    def assert_stored(self, image_id, task, plain, path, algorithm="sha512", disk_format="raw", virtual_size=None):
        self.assertEqual(task["status"], "success", task["message"])
        image = self.user.show(image_id)
        self.assertEqual((image["status"], image["disk_format"], image["size"]), ("active", disk_format, len(plain)))
        self.assertEqual(image["virtual_size"], virtual_size or len(plain))
        self.assertEqual(image["checksum"], hashlib.md5(plain).hexdigest())
        self.assertEqual((image["os_hash_algo"], image["os_hash_value"]), (algorithm, hashlib.new(algorithm, plain).hexdigest()))
        with open(path, "rb") as file:
            self.assertTrue(file.read() == plain, "%s has other bytes" % path)
        answer = self.user.ask("GET", "/images/%s/file" % image_id)
        self.assertTrue(answer.body == plain, "Glance serves other bytes")
        self.assertEqual([name for name in os.listdir(os.path.dirname(path)) if image_id in name], [image_id])
        self.assertFalse(os.path.exists(os.path.join(self.staging, image_id)))

    def assert_failed(self, image_id, task, *texts):
        self.assertEqual(task["status"], "failure")
        for text in texts:
            self.assertIn(text, task["message"])
        self.assertEqual(self.user.show(image_id)["status"], "uploading")

    def digests_of_staged(self, *args, **kwargs):
        from glance_sidecar.rpc import client
        image_id = self.stage(*args, **kwargs)
        return sorted(client.get().call("Staging.GetImage", image_id=image_id).digests)

    def test_digests_that_a_file_store_needs_are_made_while_the_bytes_arrive(self):
        packed, plain = qcow2()
        signature = Signer(glance.keys()).properties(plain)  # over SHA-256
        self.assertEqual(self.digests_of_staged(plain), ["crc32c", "md5", "sha512"])
        self.assertEqual(self.digests_of_staged(plain, **signature), ["crc32c", "md5", "sha256", "sha512"])
        self.assertEqual(self.digests_of_staged(packed, "qcow2"), ["crc32c"], "its output will be other bytes")
        self.set("hashing_algorithm", "sha256")
        self.assertEqual(self.digests_of_staged(plain), ["crc32c", "md5", "sha256"])
        self.set("direct", "off", "staging_sidecar")
        self.assertEqual(self.digests_of_staged(plain), ["crc32c"], "Glance reads it itself")

    def test_staged_file_becomes_the_images_without_a_byte_being_read(self):
        plain = os.urandom(64 * MIB)
        image_id = self.stage(plain)
        staged = os.stat(os.path.join(self.staging, image_id))
        before = _bytes_read()
        task = self.run_import(image_id)
        self.assertLess(_bytes_read() - before, 16 * MIB)
        stored = os.stat(os.path.join(SCRATCH, "fast", image_id))
        self.assertEqual((stored.st_dev, stored.st_ino, stored.st_nlink), (staged.st_dev, staged.st_ino, 1))
        self.assertEqual(stat.S_IMODE(stored.st_mode), _mode_of_new_files())
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id))
        self.assertEqual(self.user.ask("DELETE", "/images/" + image_id).status_int, 204)
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))

    def test_what_a_conversion_made_becomes_the_images_file(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id))

    def test_image_that_stays_qcow2_has_the_virtual_size_of_its_disk(self):
        self.set("output_format", "qcow2", "staging_sidecar")
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, packed, os.path.join(SCRATCH, "fast", image_id), disk_format="qcow2",
                           virtual_size=len(plain))

    def test_two_stores_of_one_volume_each_have_the_mode_that_is_configured(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id, stores=["fast", "slow"])
        modes = []
        for path in (os.path.join(SCRATCH, store, image_id) for store in ("fast", "slow")):
            self.assert_stored(image_id, task, plain, path)
            modes.append(stat.S_IMODE(os.stat(path).st_mode))
        self.assertEqual(modes, [_mode_of_new_files(), 0o640])
        metadata = {place["metadata"]["store"] for place in _locations(image_id)}
        self.assertEqual(metadata, {"fast", "slow"})

    def test_store_on_another_volume_gets_a_copy_with_the_holes(self):
        packed, plain = qcow2(size_mib=64, content_mib=1)
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("copy"):
            task = self.run_import(image_id, stores=["far"])
        path = os.path.join(FAR, "first", image_id)
        self.assert_stored(image_id, task, plain, path)
        self.assertLess(os.stat(path).st_blocks * 512, 8 * MIB)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), _mode_of_new_files())

    def test_digest_is_the_one_that_glance_is_configured_with(self):
        self.set("hashing_algorithm", "sha256")
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id), "sha256")

    def test_digest_that_the_sidecar_does_not_know_is_glances_to_make(self):
        self.set("hashing_algorithm", "sha3_256")
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        with self.assert_left_to_glance("made no md5"):
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id), "sha3_256")

    def test_turned_off_glance_copies(self):
        self.set("direct", "off", "staging_sidecar")
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        staged = os.stat(os.path.join(self.staging, image_id)).st_ino
        with mock.patch("glance_sidecar.stores.placing.place") as place:
            task = self.run_import(image_id)
        place.assert_not_called()
        path = os.path.join(SCRATCH, "fast", image_id)
        self.assert_stored(image_id, task, plain, path)
        self.assertNotEqual(os.stat(path).st_ino, staged)

    def test_store_that_turns_out_to_be_out_of_reach_is_written_by_glance(self):
        from glance_sidecar.stores.refusal import Unsupported
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with mock.patch("glance_sidecar.stores.file.Store._place", side_effect=Unsupported("SETTINGS", "nothing leads there")):
            with self.assert_left_to_glance("nothing leads there"):
                task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id))

    @contextlib.contextmanager
    def ahead(self, plain):
        """As if the sidecar wrote to these stores ahead of Glance: Glance is given a stub. Yields what was discarded."""
        from glance_sidecar.rpc import messages
        from glance_sidecar.stores import file
        stored = messages.StoredImage(size=len(plain), digests={
            "md5": hashlib.md5(plain).hexdigest(), "sha512": hashlib.sha512(plain).hexdigest()})
        write = mock.Mock(**{"run.return_value": stored})
        with mock.patch.object(file.Store, "can_write_ahead", lambda _: True), \
                mock.patch.object(file.Store, "write_of", lambda *_: write, create=True):
            yield write.discard

    def assert_no_zeros(self, image_id, task):
        self.assert_failed(image_id, task)
        self.assertEqual(os.listdir(os.path.join(self.staging, ".glance", "stubs")), [])
        image = self.user.show(image_id)
        self.assertEqual((image["checksum"], image["os_hash_algo"], image["os_hash_value"]), (None, None, None))

    def test_stub_that_somebody_reads_is_no_image(self):
        from glance_sidecar.stores.direct import DirectStore
        from glance_store._drivers import filesystem
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.ahead(plain) as discard, mock.patch.object(DirectStore, "add", filesystem.Store.add):
            self.assert_no_zeros(image_id, self.run_import(image_id))
        discard.assert_called()
        # Glance leaves in a store what it refuses by its digests.
        os.unlink(os.path.join(SCRATCH, "fast", image_id))
        self.assert_stored(image_id, self.run_import(image_id), plain, os.path.join(SCRATCH, "fast", image_id))

    def test_stub_is_never_left_to_glance(self):
        from glance_sidecar.stores import file
        from glance_sidecar.stores.refusal import Unsupported
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        refusal = Unsupported("SETTINGS", "nothing leads there")
        with self.ahead(plain), mock.patch.object(file.Store, "_check", side_effect=refusal), \
                mock.patch("glance_store._drivers.filesystem.Store.add") as driver:
            self.assert_no_zeros(image_id, self.run_import(image_id))
        driver.assert_not_called()
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))

    def test_what_glance_does_not_want_when_it_sees_it_is_taken_back(self):
        packed, _ = qcow2()
        image_id = self.stage(packed, "qcow2")
        with mock.patch("glance_sidecar.stores.readers.Readers.show", side_effect=RuntimeError("not this one")):
            with self.assert_placed("hard link"):
                self.assert_failed(image_id, self.run_import(image_id))
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))

    def test_where_nothing_else_is_wanted_the_import_fails_and_says_why(self):
        self.set("direct", "require", "staging_sidecar")
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        self.conf.set_override("hashing_algorithm", "sha3_256")
        try:
            self.assert_failed(image_id, self.run_import(image_id), "hashing_algorithm is sha3_256", "direct = require")
        finally:
            self.conf.clear_override("hashing_algorithm")
        with mock.patch("glance_sidecar.stores.readers.Readers.can_show", lambda *_: False):
            self.assert_failed(image_id, self.run_import(image_id), "Glance looks into all of it", "still staged")
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))
        self.assert_stored(image_id, self.run_import(image_id), plain, os.path.join(SCRATCH, "fast", image_id))

    def test_largest_size_of_an_image_counts(self):
        packed, plain = qcow2()
        self.assertLess(len(packed), 2 * MIB)
        image_id = self.stage(packed, "qcow2")
        from glance_sidecar.imports.importing import ImportRun
        from glance_sidecar.stores.readers import Readers
        execute, check = ImportRun.execute, Readers.check_limits

        def then_lower_the_limit(run, file_path):
            # Not before: Glance saves no image that is too large.
            path = execute(run, file_path)
            self.conf.set_override("image_size_cap", 2 * MIB)
            return path

        def check_and_raise_the_limit(readers, size):
            try:
                check(readers, size)
            finally:
                self.conf.clear_override("image_size_cap")
        with mock.patch.object(ImportRun, "execute", then_lower_the_limit), \
                mock.patch.object(Readers, "check_limits", check_and_raise_the_limit), \
                mock.patch("glance_sidecar.stores.placing.place") as place:
            self.assert_failed(image_id, self.run_import(image_id), "larger than this site allows")
        place.assert_not_called()
        self.assert_stored(image_id, self.run_import(image_id), plain, os.path.join(SCRATCH, "fast", image_id))

    def test_quota_of_the_user_counts(self):
        self.user = glance.User("bob", "with-a-quota")
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        self.conf.set_override("user_storage_quota", str(2 * MIB))
        self.addCleanup(self.conf.clear_override, "user_storage_quota")
        self.assert_failed(image_id, self.run_import(image_id), "larger than the quota leaves")
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "fast", image_id)))
        self.conf.set_override("user_storage_quota", str(4 * MIB))
        self.assert_stored(image_id, self.run_import(image_id), plain, os.path.join(SCRATCH, "fast", image_id))

    def test_what_somebody_else_put_there_is_never_replaced(self):
        packed, plain = qcow2()
        for store, directory in (("fast", SCRATCH + "/fast"), ("far", FAR + "/first")):
            image_id = self.stage(packed, "qcow2")
            path = os.path.join(directory, image_id)
            with open(path, "wb") as file:
                file.write(b"of somebody else")
            self.assert_failed(image_id, self.run_import(image_id, stores=[store]), "already holds something")
            with open(path, "rb") as file:
                self.assertEqual(file.read(), b"of somebody else")
            os.unlink(path)
            self.assert_stored(image_id, self.run_import(image_id, stores=[store]), plain, path)

    def test_file_that_appears_at_the_last_moment_is_not_replaced_either(self):
        from glance_sidecar.stores import placing
        publish = placing._publish
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        path = os.path.join(SCRATCH, "fast", image_id)

        def too_late(part, target):
            with open(target, "xb") as file:
                file.write(b"of somebody else")
            publish(part, target)
        with mock.patch.object(placing, "_publish", too_late):
            self.assert_failed(image_id, self.run_import(image_id), "already holds something")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"of somebody else")
        self.assertFalse(os.path.exists(placing.part_of(path)))

    def test_name_that_an_import_gave_before_it_came_no_further_is_taken(self):
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        path = os.path.join(SCRATCH, "fast", image_id)
        os.link(os.path.join(self.staging, image_id), path)
        with self.assert_placed("hard link"):
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, path)

    def test_one_store_may_fail_where_not_all_must_succeed(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        in_the_way = os.path.join(SCRATCH, "fast", image_id)
        open(in_the_way, "w").close()
        self.addCleanup(os.unlink, in_the_way)
        task = self.run_import(image_id, stores=["fast", "slow"], all_stores_must_succeed=False)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "slow", image_id))
        image = self.user.show(image_id)
        self.assertEqual((image["stores"], image["os_glance_failed_import"]), ("slow", "fast"))

    def fill_stores_at_the_same_time(self):
        if "max_parallel_stores" not in self.conf.image_import_opts:
            self.skipTest("Glance fills one store after the other up to 2026.1")
        self.set("max_parallel_stores", 2, "image_import_opts")

    def test_stores_that_are_filled_at_the_same_time_all_have_the_image(self):
        self.fill_stores_at_the_same_time()
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id, stores=["fast", "slow", "far"])
        for path in (SCRATCH + "/fast", SCRATCH + "/slow", FAR + "/first"):
            self.assert_stored(image_id, task, plain, os.path.join(path, image_id))
        self.assertEqual(sorted(place["metadata"]["store"] for place in _locations(image_id)), ["far", "fast", "slow"])

    def test_one_of_the_stores_that_are_filled_at_the_same_time_fails(self):
        self.fill_stores_at_the_same_time()
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        in_the_way = os.path.join(SCRATCH, "fast", image_id)
        open(in_the_way, "w").close()
        self.assert_failed(image_id, self.run_import(image_id, stores=["fast", "slow"]), "still staged")
        self.assertFalse(os.path.exists(os.path.join(SCRATCH, "slow", image_id)))
        task = self.run_import(image_id, stores=["fast", "slow"], all_stores_must_succeed=False)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "slow", image_id))
        os.unlink(in_the_way)

    def test_signed_image_in_stores_that_are_filled_at_the_same_time(self):
        self.fill_stores_at_the_same_time()
        signer = Signer(glance.keys())
        plain = os.urandom(9 * MIB)
        image_id = self.stage(plain, **signer.properties(plain))
        task = self.run_import(image_id, stores=["fast", "slow"])
        for store in ("fast", "slow"):
            self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, store, image_id))

    def test_full_store_keeps_nothing_of_the_image(self):
        packed, plain = qcow2()
        image_id = self.stage(packed, "qcow2")
        with mock.patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            task = self.run_import(image_id, stores=["far"])
        self.assert_failed(image_id, task)
        self.assertEqual([name for name in os.listdir(FAR + "/first") if image_id in name], [])
        self.assert_stored(image_id, self.run_import(image_id, stores=["far"]), plain, os.path.join(FAR, "first", image_id))

    def test_task_that_was_ended_stores_nothing(self):
        from glance_sidecar import database
        from glance_sidecar.stores import outputs
        find = outputs.find
        image_id = self.stage(os.urandom(MIB))

        def ended_meanwhile(image_id, file):
            database.fail_task(database.find_task(self.user.show(image_id)["os_glance_import_task"]), "ended by somebody")
            return find(image_id, file)
        with mock.patch.object(outputs, "find", ended_meanwhile), \
                mock.patch("glance_sidecar.stores.placing.place") as place:
            task = self.run_import(image_id)
        self.assert_failed(image_id, task)
        place.assert_not_called()

    def test_signed_image_is_verified_by_glance_too(self):
        signer = Signer(glance.keys())
        plain = os.urandom(9 * MIB)
        image_id = self.stage(plain, **signer.properties(plain))
        with self.assert_placed("hard link"), self.assertLogs("glance.location", "INFO") as log:
            task = self.run_import(image_id)
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "fast", image_id))
        self.assertIn("Successfully verified signature", "\n".join(log.output))

    def test_copy_of_an_image_shares_what_was_staged_for_it(self):
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        self.run_import(image_id)
        admin = glance.User("root", "blue", "admin")
        with self.assert_placed("hard link"):
            task = self.run_import(image_id, admin, "copy-image", stores=["slow"])
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "slow", image_id))
        self.assertFalse(os.path.samefile(*(os.path.join(SCRATCH, store, image_id) for store in ("fast", "slow"))))

    def test_copy_without_the_digest_of_the_image_is_glances_to_make(self):
        self.set("hashing_algorithm", "sha384")
        plain = os.urandom(MIB)
        image_id = self.stage(plain)
        self.run_import(image_id)
        admin = glance.User("root", "blue", "admin")
        with self.assert_left_to_glance("the sidecar made no md5"):
            task = self.run_import(image_id, admin, "copy-image", stores=["slow"])
        self.assert_stored(image_id, task, plain, os.path.join(SCRATCH, "slow", image_id), "sha384")

    def test_body_of_an_upload_is_copied_whatever_file_it_is(self):
        plain = os.urandom(MIB)
        staged = self.stage(plain)
        stolen = self.user.create()
        path = os.path.join(self.staging, staged)
        for image_id in (stolen, staged):
            with open(path, "rb") as body:
                answer = self.user.ask("PUT", "/images/%s/file" % image_id, body, Content_Length=len(plain))
            self.assertEqual(answer.status_int, 204 if image_id == stolen else 409, answer.text)
        self.assertFalse(os.path.samefile(path, os.path.join(SCRATCH, "fast", stolen)))
        self.assertEqual(os.stat(path).st_nlink, 1)


def _bytes_read():
    """What this process has read so far, from whatever."""
    with open("/proc/self/io") as file:
        return int(file.readline().split()[1])


def _mode_of_new_files():
    with open(os.path.join(SCRATCH, "of-today"), "w") as file:
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode)


def _locations(image_id):
    from glance_sidecar import database
    return database.find_image(image_id).locations
