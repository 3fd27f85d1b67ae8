"""Some pod does not answer."""

import unittest

from tests.harness.lonely import LonelyTest


class PeersTest(LonelyTest):
    def test_an_image_is_staged_all_the_same(self):
        image_id = self.user.create()
        answer = self.user.stage(image_id, b"a" * 1000)
        self.assertEqual((answer.status_int, answer.text), (204, ""))

    def test_import_of_an_image_that_the_silent_pod_may_have_is_503_and_names_it(self):
        image_id = self.user.create()
        self.assertEqual(self.user.stage(image_id, b"a" * 1000).status_int, 204)
        self.stage_elsewhere(image_id)
        answer = self.user.start_import(image_id)
        self.assertEqual(answer.status_int, 503, answer.text)
        self.assertIn("glance-1", answer.text)
        self.assertEqual(self.user.show(image_id)["status"], "uploading")
        again = self.user.stage(image_id, b"b" * 1000)
        self.assertEqual(again.status_int, 503, "that pod may be receiving it")
