"""Images that the sidecar downloads in Glance's place."""

import os
import threading
import unittest
from unittest import mock

from tests.harness import glance
from tests.harness.images import qcow2
from tests.harness.servers import Server

OURS = "glance-staging-sidecar"


class FetchingTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.packed, self.plain = qcow2()
        self.asked = []
        self.lock = threading.Lock()

    def download(self, answer):
        """answer(number of the request, its headers) is what the server says."""
        def respond(_, __, headers, ___):
            with self.lock:
                self.asked.append(headers)
                number = len(self.asked)
            return answer(number, headers)
        server = Server(respond)
        self.addCleanup(server.close)
        image_id = self.user.create("qcow2")
        started = self.user.start_import(image_id, "web-download", server.url + "/image")
        self.assertEqual(started.status_int, 202, started.text)
        return image_id, self.user.end_of_import(image_id)

    def whole(self, *_):
        return 200, {"Content-Length": str(len(self.packed))}, self.packed

    def part(self, headers, limit=None):
        """As a server with parts of files; with a limit it closes early."""
        tag, fields = '"1"', {"Accept-Ranges": "bytes", "ETag": '"1"'}
        if headers.get("If-Range") == tag:
            start = int(headers["Range"].split("=")[1].split("-")[0])
            fields["Content-Range"] = "bytes %d-%d/%d" % (start, len(self.packed) - 1, len(self.packed))
            status = 206
        else:
            start, status = 0, 200
        fields["Content-Length"] = str(len(self.packed) - start)
        return status, fields, self.packed[start:][:limit]

    def agents(self):
        return [headers.get("User-Agent", "").split("/")[0] for headers in self.asked]

    def assertNothingStaged(self, image_id):
        from glance_sidecar.rpc import client, errors
        for call in "Staging.GetImage", "Staging.GetUpload":
            with self.assertRaises(errors.SidecarError) as raised:
                client.get().call(call, image_id=image_id)
            self.assertTrue(raised.exception.not_found)
        self.assertEqual(self.user.show(image_id)["status"], "queued")

    def configure(self, option, value, group="staging_sidecar"):
        from oslo_config import cfg
        cfg.CONF.set_override(option, value, group)
        self.addCleanup(cfg.CONF.clear_override, option, group)

    def test_sidecar_fetches_what_glance_has_opened(self):
        image_id, task = self.download(self.whole)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual(self.agents()[1:], [OURS])
        self.assertEqual(self.user.show(image_id)["size"], len(self.plain))

    def test_task_tells_how_much_has_arrived_and_of_how_much(self):
        from glance_sidecar.uploads.download import DownloadProgress
        progress, told = DownloadProgress("none"), []
        progress._task = mock.Mock(tell=told.append)
        progress.tell(3 << 20)
        progress.tell(5 << 20, 10 << 20)
        self.assertEqual(told, ["Downloading: 3 MiB", "Downloading: 5 of 10 MiB"])

    def test_glance_fetches_where_it_is_told_to(self):
        self.configure("download", "glance")
        _, task = self.download(self.whole)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual(len(self.asked), 1)

    def test_glance_fetches_through_the_proxy_of_its_environment(self):
        from glance_sidecar.uploads import fetching
        with mock.patch.dict(os.environ, {"http_proxy": "http://127.0.0.1:1", "no_proxy": "here.example"}):
            parts = fetching.urllib.parse.urlsplit
            self.assertTrue(fetching._has_proxy(parts("http://there.example/")))
            self.assertFalse(fetching._has_proxy(parts("http://here.example/")))
            self.assertFalse(fetching._has_proxy(parts("https://there.example/")))

    def test_url_that_is_good_once_is_read_by_glance(self):
        image_id, task = self.download(lambda number, _: self.whole() if number == 1 else (410, {}, b""))
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual(self.user.show(image_id)["status"], "active")

    def test_sidecar_that_does_not_know_the_call_leaves_it_to_glance(self):
        from glance_sidecar.rpc import client
        opened = client.Client.open

        def without(self, name, **fields):
            if name == "Downloads.DownloadImage":
                self = client.Client.__new__(client.Client)
                vars(self).update(vars(client.get()), _methods=dict(client.get()._methods))
                self._methods[name] = client.get()._channel.unary_stream(
                    "/glance.sidecar.v1.None/None", request_serializer=lambda _: b"", response_deserializer=lambda _: None)
            return opened(self, name, **fields)
        with mock.patch.object(client.Client, "open", without):
            _, task = self.download(self.whole)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertNotIn(OURS, self.agents())

    def test_server_that_closes_early_fails_the_import_and_stages_nothing(self):
        image_id, task = self.download(lambda _, headers: self.part(headers, 1000))
        self.assertEqual(task["status"], "failure")
        self.assertIn("before the end of the file", task["message"])
        self.assertNothingStaged(image_id)

    def test_image_larger_than_glance_allows_is_refused(self):
        self.configure("image_size_cap", len(self.packed) - 1, None)
        image_id, task = self.download(self.whole)
        self.assertEqual(task["status"], "failure")
        self.assertIn("larger than an image may be", task["message"])
        self.assertNothingStaged(image_id)

    def test_redirect_that_only_the_sidecar_gets_is_held_against_the_rules(self):
        image_id, task = self.download(
            lambda number, _: self.whole() if number == 1 else (302, {"Location": "http://localhost/"}, b""))
        self.assertEqual(task["status"], "failure")
        self.assertIn("not allowed", task["message"])
        self.assertNothingStaged(image_id)

    def test_sidecar_that_is_killed_goes_on_where_it_was(self):
        def answer(number, headers):
            if number == 2:
                return self.part(headers, 100000)
            if number == 3:
                glance.daemon().kill()
                glance.daemon().start_again()
            return self.part(headers)
        image_id, task = self.download(answer)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual([headers.get("Range") for headers in self.asked[2:4]], ["bytes=100000-"] * 2)
        self.assertEqual(self.user.show(image_id)["size"], len(self.plain))

    def test_task_that_somebody_ends_leaves_nothing(self):
        from glance.common import exception
        from glance_sidecar.uploads.download import DownloadProgress
        with mock.patch.object(DownloadProgress, "tell", side_effect=exception.TaskAbortedError()):
            image_id, task = self.download(self.whole)
        self.assertEqual(task["status"], "failure")
        self.assertNothingStaged(image_id)
