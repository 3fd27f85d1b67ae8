"""Deletes and imports of an image that another import is about to let go of."""

import time
import types
import unittest

import webob

from tests.harness import glance
from tests.harness.imports import OTHER_TASK, lock

IMAGE = "6b1f2c3d-0000-4000-8000-00000000000a"


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
        self.request = webob.Request.blank("/v2/images/" + IMAGE, method="DELETE")

    def test_delete_that_meets_the_end_of_an_import_is_tried_again(self):
        app = Stumbling(1)
        answer = self.make(app, self.request, IMAGE).respond()
        self.assertEqual((answer.status_int, app.calls), (403, 2))

    def test_delete_that_keeps_failing_says_so(self):
        app = Stumbling(10)
        answer = self.make(app, self.request, IMAGE).respond()
        self.assertEqual((answer.status_int, app.calls), (500, 3))


class EndingTest(unittest.TestCase):
    """The lock of an import that is over goes when the filter waits for it: its pause drops it here."""

    def setUp(self):
        glance.load_once()
        from glance_sidecar import database
        from glance_sidecar.wsgi import ending
        self.database = database
        self.user = glance.User()
        self.image_id = self.user.create()
        self.assertEqual(self.user.stage(self.image_id, b"a" * 1000).status_int, 204)
        database.images().set_property_atomic(database.find_image(self.image_id), database.LOCK, "a task")
        self.waited = 0
        self.addCleanup(setattr, ending, "time", ending.time)
        ending.time = types.SimpleNamespace(monotonic=time.monotonic, sleep=self.let_go)

    def let_go(self, _):
        self.waited += 1
        self.database.drop_property(self.image_id, self.database.LOCK)

    def test_delete_waits_until_the_import_has_let_go(self):
        self.assertEqual(self.user.ask("DELETE", "/images/" + self.image_id).status_int, 204)
        self.assertEqual(self.waited, 1)

    def test_import_waits_until_the_earlier_one_has_let_go(self):
        self.assertEqual(self.user.start_import(self.image_id).status_int, 202)
        self.assertEqual(self.waited, 1)
        self.assertEqual(self.user.end_of_import(self.image_id)["status"], "success")

    def test_import_that_runs_is_not_waited_for(self):
        image = self.database.find_image(self.image_id)
        image.status = "importing"
        self.assertTrue(self.database.save(image, "uploading"))
        self.assertEqual(self.user.ask("DELETE", "/images/" + self.image_id).status_int, 204)
        self.assertEqual(self.waited, 0)

    def test_task_that_is_no_import_is_not_waited_for(self):
        self.database.drop_property(self.image_id, self.database.LOCK)
        lock(self.image_id, OTHER_TASK)
        self.assertEqual(self.user.ask("DELETE", "/images/" + self.image_id).status_int, 204)
        self.assertEqual(self.waited, 0)


if __name__ == "__main__":
    unittest.main()
