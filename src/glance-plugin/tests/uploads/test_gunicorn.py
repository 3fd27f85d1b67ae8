"""The package in worker processes of a real WSGI server, with real connections; workers are killed."""

import os
import signal
import socket

from tests.harness.daemon import Daemon
from tests.harness.images import qcow2
from tests.harness.served import ServedTest, TOKEN
from tests.harness.support import SCRATCH, wait_until


class GunicornTest(ServedTest):
    def begin_upload(self, image_id, size, sent):
        """A connection on which part of an upload was sent, and which the server reads."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall((
            "PUT /v2/images/%s/stage HTTP/1.1\r\nHost: x\r\nX-Auth-Token: %s\r\nContent-Length: %d\r\n"
            "Content-Type: application/octet-stream\r\n\r\n" % (image_id, TOKEN["X-Auth-Token"], size)).encode())
        connection.sendall(b"x" * sent)
        wait_until(lambda: self.show(image_id)["status"] == "uploading", "the upload begins")
        return connection

    def workers(self):
        with open("/proc/%d/task/%d/children" % (self.server.pid, self.server.pid)) as children:
            return [int(pid) for pid in children.read().split()]

    def test_image_goes_through_in_chunks_of_unknown_number(self):
        packed, plain = qcow2()
        image_id = self.create("qcow2")
        status, text = self.ask(
            "PUT", "/v2/images/%s/stage" % image_id, iter([packed[:1000], packed[1000:]]), encode_chunked=True)
        self.assertEqual(status, 204, text)
        status, text = self.ask("POST", "/v2/images/%s/import" % image_id, {"method": {"name": "glance-direct"}})
        self.assertEqual(status, 202, text)
        wait_until(lambda: self.show(image_id)["status"] == "active", "the image is active")
        self.assertEqual(self.show(image_id)["size"], len(plain))

    def test_staged_file_becomes_the_images(self):
        image_id = self.create()
        self.assertEqual(self.ask("PUT", "/v2/images/%s/stage" % image_id, os.urandom(1 << 20))[0], 204)
        staged = os.stat(os.path.join(self.sidecar.staging, image_id)).st_ino
        self.ask("POST", "/v2/images/%s/import" % image_id, {"method": {"name": "glance-direct"}})
        wait_until(lambda: self.show(image_id)["status"] == "active", "the image is active")
        stored = os.path.join(SCRATCH, "fast" if self.multi_store else "only", image_id)
        self.assertEqual(os.stat(stored).st_ino, staged)

    def test_client_that_hangs_up_leaves_nothing(self):
        image_id = self.create()
        self.begin_upload(image_id, 2 << 20, 1 << 20).close()
        wait_until(lambda: self.show(image_id)["status"] == "queued", "the image is queued")
        self.assert_nothing_staged(image_id)

    def test_client_sees_why_it_is_refused_although_it_is_still_sending(self):
        image_id = self.create()
        packed = qcow2()[0]
        status, text = self.ask("PUT", "/v2/images/%s/stage" % image_id, packed + bytes(16 << 20))
        self.assertEqual(status, 400, text)
        self.assertIn("qcow2", text)

    def test_killed_workers_upload_is_mended_by_another(self):
        image_id = self.create()
        connection = self.begin_upload(image_id, 2 << 20, 1 << 20)
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.answers() and self.show(image_id)["status"] == "queued", "the image is queued", 60)
        connection.close()
        self.assert_nothing_staged(image_id)
        self.assertEqual(self.ask("PUT", "/v2/images/%s/stage" % image_id, b"y" * 1000)[0], 204)

    def assert_nothing_staged(self, image_id):
        staging = self.sidecar.staging
        self.assertFalse(os.path.exists(os.path.join(staging, image_id)))
        part = os.path.join(staging, ".glance", "incoming", image_id)
        wait_until(lambda: not os.path.exists(part), "the part is gone")


class SingleStoreTest(GunicornTest):
    """The same without enabled_backends."""

    multi_store = False

    @classmethod
    def start_sidecar(cls):
        daemon = Daemon()
        cls.addClassCleanup(daemon.close)
        return daemon.start()

    def test_import_leaves_nothing_in_the_staging_area(self):
        packed, plain = qcow2()
        image_id = self.create("qcow2")
        self.assertEqual(self.ask("PUT", "/v2/images/%s/stage" % image_id, packed)[0], 204)
        self.assertEqual(
            self.ask("POST", "/v2/images/%s/import" % image_id, {"method": {"name": "glance-direct"}})[0], 202)
        wait_until(lambda: self.show(image_id)["status"] == "active", "the image is active")
        self.assertEqual(self.show(image_id)["size"], len(plain))
        imports = os.path.join(self.sidecar.staging, ".sidecar", "imports")
        wait_until(lambda: os.listdir(imports) == [], "the import is released")
        # The sidecar is asked to remove the image only when the task is seen to have ended, and removes its imports first.
        staged = os.path.join(self.sidecar.staging, image_id)
        wait_until(lambda: not os.path.exists(staged), "the staged image is removed")
        self.assert_nothing_staged(image_id)
