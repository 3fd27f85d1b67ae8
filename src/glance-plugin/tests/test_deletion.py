"""A delete that Glance stumbles over, in Glance's place an app that answers as it does then."""

import unittest

import webob

from tests import glance


class Stumbling:
    """Answers 500 so many times, then 403, which leaves the sidecar out of it."""

    def __init__(self, times):
        self.calls = 0
        self._times = times

    def __call__(self, environ, start_response):
        self.calls += 1
        answer = webob.Response(status=500 if self.calls <= self._times else 403)
        return answer(environ, start_response)


class DeletionTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        from glance_sidecar.wsgi.deletion import Deletion
        self.make = Deletion
        self.request = webob.Request.blank("/v2/images/x", method="DELETE")

    def test_delete_that_meets_the_end_of_an_import_is_tried_again(self):
        app = Stumbling(1)
        answer = self.make(app, self.request, "x").respond()
        self.assertEqual((answer.status_int, app.calls), (403, 2))

    def test_delete_that_keeps_failing_says_so(self):
        app = Stumbling(10)
        answer = self.make(app, self.request, "x").respond()
        self.assertEqual((answer.status_int, app.calls), (500, 3))


if __name__ == "__main__":
    unittest.main()
