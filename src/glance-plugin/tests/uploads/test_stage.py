"""Uploads that do not go as planned."""

import io
import os
import threading
import unittest

from oslo_config import cfg

from tests.harness import glance
from tests.harness.images import qcow2


class Broken(io.RawIOBase):
    """A body whose connection ends early, as gunicorn shows it: with a short read."""

    def __init__(self, content):
        super().__init__()
        self._content = io.BytesIO(content)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._content.read(size)


class Gated(io.RawIOBase):
    """A body that stops after its first half until it is let go on."""

    def __init__(self, content):
        super().__init__()
        self._halves = [content[:len(content) // 2], content[len(content) // 2:]]
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def readable(self):
        return True

    def read(self, size=-1):
        if not self._halves:
            return b""
        if len(self._halves) == 1 and not self.go_on.is_set():
            self.reached.set()
            self.go_on.wait(30)
        block, rest = self._halves[0][:size], self._halves[0][size:]
        self._halves = ([rest] if rest else []) + self._halves[1:]
        return block


class StageTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()

    def assert_nothing_left(self, image_id):
        self.assertEqual(self.user.show(image_id)["status"], "queued")
        self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, image_id)))
        self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, ".glance", "incoming", image_id)))

    def test_body_shorter_than_declared_is_refused_and_can_be_staged_again(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, Broken(b"x" * 1000000), Content_Length=2000000)
        self.assertEqual(answer.status_int, 400)
        self.assertIn("1000000 of 2000000 bytes", answer.text)
        self.assert_nothing_left(image_id)
        self.assertEqual(self.user.stage(image_id, b"y" * 2000000).status_int, 204)
        self.assertEqual(self.user.show(image_id)["size"], 2000000)

    def test_upload_without_a_length_is_staged(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, io.BytesIO(b"z" * 3000000), Transfer_Encoding="chunked")
        self.assertEqual(answer.status_int, 204, answer.text)
        self.assertEqual(self.user.show(image_id)["size"], 3000000)

    def test_other_content_than_claimed_is_refused_before_it_is_written(self):
        image_id = self.user.create("raw")
        answer = self.user.stage(image_id, qcow2()[0])
        self.assertEqual(answer.status_int, 400, answer.text)
        self.assertIn("qcow2", answer.text)
        self.assert_nothing_left(image_id)

    def test_checks_of_boot_records_are_fatal_as_glance_has_them_and_others_always(self):
        strange = bytearray(300000)
        strange[446:462] = bytes((0x7F, 0, 2, 0, 0x83, 255, 255, 255, 1, 0, 0, 0, 0xFF, 0, 0, 0))
        strange[510:512] = b"\x55\xaa"
        if "gpt_safety_checks_nonfatal" not in cfg.CONF.image_format:  # which comes with Glance 2025.1
            cfg.CONF.register_opt(cfg.ListOpt("gpt_safety_checks_nonfatal", default=[]), group="image_format")
        self.addCleanup(cfg.CONF.clear_override, "gpt_safety_checks_nonfatal", "image_format")
        for nonfatal, status in ([], 400), (["mbr"], 204):
            cfg.CONF.set_override("gpt_safety_checks_nonfatal", nonfatal, "image_format")
            self.assertEqual(self.user.stage(self.user.create("raw"), bytes(strange)).status_int, status, nonfatal)
            self.assertEqual(self.user.stage(self.user.create("raw"), qcow2()[0]).status_int, 400, nonfatal)

    def test_more_than_the_volume_can_ever_hold_is_413(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, Broken(b""), Content_Length=1 << 39)
        self.assertEqual(answer.status_int, 413, answer.text)
        self.assert_nothing_left(image_id)

    def test_a_second_upload_waits_for_the_end_of_the_first(self):
        image_id = self.user.create()
        body = Gated(b"a" * 2000000)
        answers = []
        first = threading.Thread(target=lambda: answers.append(self.user.stage(image_id, body, Content_Length=2000000)))
        first.start()
        self.assertTrue(body.reached.wait(30))
        second = self.user.stage(image_id, b"b" * 100)
        early = self.user.start_import(image_id)
        body.go_on.set()
        first.join()
        self.assertEqual(second.status_int, 409, second.text)
        self.assertEqual(early.status_int, 409, early.text)
        self.assertIn("still being uploaded", early.text)
        self.assertEqual(answers[0].status_int, 204, answers[0].text)
        self.assertEqual(self.user.show(image_id)["size"], 2000000)

    def test_a_staged_image_can_be_staged_anew(self):
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        self.assertEqual(self.user.stage(image_id, b"b" * 2000).status_int, 204)
        self.assertEqual(self.user.show(image_id)["size"], 2000)
        with open(os.path.join(glance.daemon().staging, image_id), "rb") as staged:
            self.assertEqual(staged.read(), b"b" * 2000)

    def test_only_those_who_may_modify_an_image_replace_what_is_staged(self):
        image_id = self.user.create(visibility="community")
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        answer = glance.User("mallory", "red").stage(image_id, b"b" * 10)
        self.assertIn(answer.status_int, (403, 404))
        self.assertEqual(glance.User("mallory", "red").ask("DELETE", "/images/" + image_id).status_int, 403)
        self.assertTrue(os.path.exists(os.path.join(glance.daemon().staging, image_id)))

    def test_sizes_that_contradict_each_other_are_refused(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, b"abc", X_Openstack_Image_Size=4)
        self.assertEqual(answer.status_int, 400)
        self.assertIn("Content-Length", answer.text)
        self.assertEqual(self.user.stage(image_id, b"abc", X_Openstack_Image_Size="many").status_int, 400)
        self.assert_nothing_left(image_id)

    def test_the_url_that_glance_would_proxy_to_is_forgotten(self):
        from glance_sidecar import database
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        self.assertNotIn(database.STAGE_HOST, database.find_image(image_id).extra_properties)

    def test_a_deleted_image_leaves_nothing(self):
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        self.assertEqual(self.user.ask("DELETE", "/images/" + image_id).status_int, 204)
        self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, image_id)))

    def test_reserved_stores_are_no_targets_in_a_body_of_unknown_length_either(self):
        image_id = self.user.create()
        self.user.stage(image_id, b"x")
        body = b'{"method": {"name": "glance-direct"}, "stores": ["os_glance_tasks_store"]}'
        answer = self.user.ask("POST", "/images/%s/import" % image_id, io.BytesIO(body), Transfer_Encoding="chunked")
        self.assertEqual(answer.status_int, 400)
        self.assertIn("os_glance_tasks_store", answer.text)
        answer = self.user.ask("POST", "/images/%s/import" % image_id, b"{" + b" " * (1 << 20))
        self.assertEqual(answer.status_int, 413)

    def test_chunks_of_a_server_are_read_in_any_size(self):
        from glance_sidecar.wsgi.source import Chunks
        chunks = iter([b"abcdef", b"g", b""])
        reader = Chunks(lambda: next(chunks))
        self.assertEqual([reader.read(4), reader.read(4), reader.read(4), reader.read(4)], [b"abcd", b"ef", b"g", b""])

    def test_reserved_stores_are_no_targets(self):
        image_id = self.user.create()
        answer = self.user.ask("PUT", "/images/%s/file" % image_id, b"x", X_Image_Meta_Store="os_glance_staging_store")
        self.assertEqual(answer.status_int, 400)
        self.user.stage(image_id, b"x")
        answer = self.user.start_import(image_id, stores=["fast", "os_glance_tasks_store"])
        self.assertEqual(answer.status_int, 400)
        self.assertIn("os_glance_tasks_store", answer.text)
