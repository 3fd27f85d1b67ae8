"""Uploads that come in through the daemon, and requests that only look so."""

from http.client import HTTPConnection
import os
import socket
import unittest

from tests.harness import glance
from tests.harness.daemon import Daemon
from tests.harness.served import ServedTest, TOKEN
from tests.harness.support import free_port, wait_until

_GUESS = "0123456789abcdef" * 4


class ForgedTicketTest(unittest.TestCase):
    """Anybody who reaches Glance past the ingest may send the header."""

    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.image_id = self.user.create()

    def test_with_bytes_it_changes_nothing(self):
        answer = self.user.stage(self.image_id, b"x" * 1000, X_Staging_Sidecar_Ticket=_GUESS)
        self.assertEqual(answer.status_int, 204, answer.text)
        self.assertEqual(self.user.show(self.image_id)["size"], 1000)

    def test_without_bytes_no_empty_image_comes_of_it(self):
        for headers in ({"Content_Length": 0}, {}):
            answer = self.user.stage(self.image_id, b"", X_Staging_Sidecar_Ticket=_GUESS, **headers)
            self.assertEqual(answer.status_int, 503, answer.text)
            self.assertIn("Send the upload again", answer.text)
            self.assertEqual(self.user.show(self.image_id)["status"], "queued")
            self.assertFalse(os.path.exists(os.path.join(glance.daemon().staging, self.image_id)))

    def test_a_withheld_body_cannot_be_taken_for_an_empty_one(self):
        import webob.exc
        from glance_sidecar.wsgi.ticket import WithheldBody
        for read in (lambda body: body.read(), lambda body: body.read(10), lambda body: body.readinto(bytearray(10))):
            self.assertRaises(webob.exc.HTTPServiceUnavailable, read, WithheldBody())


class _ThroughTheIngest(ServedTest):
    @classmethod
    def start_sidecar(cls):
        cls.door = free_port()
        daemon = Daemon(
            Ingest__Address="127.0.0.1:%d" % cls.door, Ingest__Upstream="http://127.0.0.1:%d" % cls.port)
        cls.addClassCleanup(daemon.close)
        return daemon.start()

    def send(self, image_id, body, **headers):
        connection = HTTPConnection("127.0.0.1", self.door, timeout=60)
        self.addCleanup(connection.close)
        kind = {"Content-Type": "application/octet-stream"}
        connection.request("PUT", "/v2/images/%s/stage" % image_id, body, dict(TOKEN, **dict(kind, **headers)),
                           encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


class MultiStoreTest(_ThroughTheIngest):
    def test_image_is_staged_and_imported(self):
        for body in (b"x" * 3000000, iter([b"x" * 1000000, b"x" * 2000000])):
            image_id = self.create()
            status, text = self.send(image_id, body)
            self.assertEqual(status, 204, text)
            self.assertEqual(self.show(image_id)["size"], 3000000)
            with open(os.path.join(self.sidecar.staging, image_id), "rb") as staged:
                self.assertEqual(staged.read(), b"x" * 3000000)

    def test_a_staged_image_can_be_staged_anew(self):
        image_id = self.create()
        self.assertEqual(self.send(image_id, b"a" * 1000)[0], 204)
        self.assertEqual(self.send(image_id, b"b" * 2000)[0], 204)
        self.assertEqual(self.show(image_id)["size"], 2000)

    def test_sizes_that_contradict_each_other_are_refused(self):
        image_id = self.create()
        status, text = self.send(image_id, b"a" * 1000, **{"X-Openstack-Image-Size": "999"})
        self.assertEqual(status, 400, text)
        self.assertEqual(self.show(image_id)["status"], "queued")

    def test_other_types_than_bytes_are_refused_by_glance(self):
        image_id = self.create()
        status, text = self.send(image_id, b"a" * 1000, **{"Content-Type": "application/json"})
        self.assertEqual(status, 415, text)
        self.assertEqual(self.show(image_id)["status"], "queued")


    def cut_off(self, image_id, *headers):
        """Sends the first million of two million bytes, and hangs up."""
        from glance_sidecar.rpc import client
        from glance_sidecar.rpc.errors import SidecarError
        daemon = client.Client(self.sidecar.address)
        self.addCleanup(daemon.close)
        connection = socket.create_connection(("127.0.0.1", self.door), timeout=60)
        lines = ["PUT /v2/images/%s/stage HTTP/1.1" % image_id, "Host: x", "X-Auth-Token: " + TOKEN["X-Auth-Token"],
                 "Content-Type: application/octet-stream", "Content-Length: 2000000"]
        connection.sendall("\r\n".join(lines + list(headers) + ["", ""]).encode() + b"a" * 1000000)

        def received():
            try:
                return daemon.call("Staging.GetUpload", image_id=image_id).received_offset == 1000000
            except SidecarError:
                return False
        wait_until(received, "half of the upload is received")
        connection.close()
        wait_until(lambda: self.show(image_id)["status"] == "queued", "the image is queued")

    def how_far(self, image_id, token=TOKEN):
        connection = HTTPConnection("127.0.0.1", self.door, timeout=60)
        self.addCleanup(connection.close)
        connection.request("HEAD", "/v2/images/%s/stage" % image_id, headers=token)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Upload-Offset")

    def test_an_upload_that_was_cut_off_goes_on(self):
        image_id = self.create()
        self.cut_off(image_id, "Upload-Complete: ?1")
        self.assertEqual(self.how_far(image_id, {"X-Auth-Token": "mallory:red:member"}), (404, None))
        self.assertEqual(self.how_far(image_id), (204, "1000000"))
        status, text = self.send(image_id, b"b" * 10, **{"Upload-Offset": "999"})
        self.assertEqual(status, 409, text)
        self.assertEqual(self.how_far(image_id), (204, "1000000"))
        status, text = self.send(image_id, b"b" * 1000000, **{"Upload-Offset": "1000000", "Upload-Complete": "?1"})
        self.assertEqual(status, 204, text)
        self.assertEqual(self.show(image_id)["size"], 2000000)
        with open(os.path.join(self.sidecar.staging, image_id), "rb") as staged:
            self.assertEqual(staged.read(), b"a" * 1000000 + b"b" * 1000000)

    def test_of_a_plain_client_that_was_cut_off_nothing_is_kept(self):
        image_id = self.create()
        self.cut_off(image_id)
        self.assertEqual(self.how_far(image_id), (404, None))


class SingleStoreTest(_ThroughTheIngest):
    """Glance then has a staging store of its own, which the daemon cannot feed."""

    multi_store = False

    def test_an_upload_is_refused_and_says_why(self):
        image_id = self.create()
        status, text = self.send(image_id, b"a" * 1000)
        self.assertEqual(status, 501, text)
        self.assertIn("enabled_backends", text)
        self.assertEqual(self.show(image_id)["status"], "queued")
        self.assertFalse(os.path.exists(os.path.join(self.sidecar.staging, image_id)))


del _ThroughTheIngest
