"""Import requests that are sent to the pod that has the staged bytes."""

import unittest

from oslo_config import cfg
import webob
import webob.exc

from tests.harness import glance
from tests.harness.servers import Server


class ForwardTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        from glance_sidecar.wsgi import forward
        self.forward = forward
        self.seen = []
        self.server = Server(self.respond)
        self.addCleanup(self.server.close)

    def respond(self, method, path, headers, body):
        self.seen.append((method, path, headers, body))
        said = {"Content-Type": "text/plain", "X-Openstack-Request-Id": "req-there", "Content-Length": "9"}
        return 409, said, b"not today"

    def url(self, value):
        cfg.CONF.set_override("pod_url", value, "staging_sidecar")
        self.addCleanup(cfg.CONF.clear_override, "pod_url", "staging_sidecar")

    @staticmethod
    def request():
        request = webob.Request.blank("/v2/images/i/import?a=b", method="POST", body=b'{"method": {}}')
        request.headers.update({
            "X-Auth-Token": "t", "Content-Type": "application/json", "X-Image-Meta-Store": "fast",
            "X-User-Id": "forged"})
        return request

    def test_request_and_answer_pass_through_unchanged(self):
        self.url(self.server.url + "/{pod}")
        answer = self.forward.send(self.request(), "glance-7")
        self.assertEqual((answer.status_int, answer.body), (409, b"not today"))
        self.assertEqual(answer.headers["X-Openstack-Request-Id"], "req-there")
        method, path, headers, body = self.seen[0]
        self.assertEqual((method, path, body), ("POST", "/glance-7/v2/images/i/import?a=b", b'{"method": {}}'))
        self.assertEqual((headers["X-Auth-Token"], headers["X-Image-Meta-Store"]), ("t", "fast"))
        self.assertNotIn("X-User-Id", headers)
        self.assertEqual(headers[self.forward.GUARD], "glance-0")

    def test_pod_that_is_gone_is_503_with_its_name(self):
        self.url(self.server.url)
        self.server.close()
        with self.assertRaises(webob.exc.HTTPServiceUnavailable) as raised:
            self.forward.send(self.request(), "glance-7")
        self.assertIn("glance-7", raised.exception.explanation)
        self.assertEqual(raised.exception.headers["Retry-After"], "30")

    def test_only_requests_for_other_pods_are_sent_and_only_once(self):
        self.assertFalse(self.forward.wanted(self.request(), "glance-7"), "without pod_url")
        self.url("http://{pod}")
        self.assertTrue(self.forward.wanted(self.request(), "glance-7"))
        self.assertFalse(self.forward.wanted(self.request(), "glance-0"), "this pod itself")
        again = self.request()
        again.headers[self.forward.GUARD] = "glance-3"
        self.assertFalse(self.forward.wanted(again, "glance-7"), "sent on already")
