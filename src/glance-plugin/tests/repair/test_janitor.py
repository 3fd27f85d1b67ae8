"""What other pods left, while one of them does not answer."""

import datetime
import unittest
from unittest import mock

from oslo_utils import timeutils

from tests.harness.imports import OTHER_TASK, unfinished_import
from tests.harness.lonely import LonelyTest


class JanitorTest(LonelyTest):
    def setUp(self):
        super().setUp()
        from glance_sidecar.repair import janitor
        self.janitor = janitor

    def an_hour_later(self):
        timeutils.set_time_override(timeutils.utcnow() + datetime.timedelta(hours=1, seconds=1))
        self.addCleanup(timeutils.clear_time_override)

    def staged_elsewhere(self):
        image_id, _ = unfinished_import(self.user, b"a" * 1000)
        self.stage_elsewhere(image_id)
        return image_id

    def clean(self):
        self.an_hour_later()
        with self.assertLogs("glance_sidecar.repair.janitor", "WARNING") as told:
            self.janitor.clean()
        return told.output

    def test_import_whose_bytes_a_silent_pod_may_have_is_left_and_said_so(self):
        image_id = self.staged_elsewhere()
        told = self.clean()
        image = self.user.show(image_id)
        self.assertEqual(image["status"], "importing")
        self.assertIn("os_glance_import_task", image)
        self.assertTrue([line for line in told if image_id in line and "glance-1" in line], told)

    def test_other_imports_are_mended_meanwhile(self):
        before, _ = unfinished_import(self.user, b"b" * 1000)
        elsewhere = self.staged_elsewhere()
        after, _ = unfinished_import(self.user, b"c" * 1000)
        self.clean()
        for image_id in before, after:
            image = self.user.show(image_id)
            self.assertEqual((image["status"], image["size"]), ("uploading", 1000))
        self.assertEqual(self.user.show(elsewhere)["status"], "importing")

    def test_task_that_is_no_import_is_left_alone(self):
        other, task_id = unfinished_import(self.user, b"d" * 1000, task_type=OTHER_TASK)
        staged, _ = unfinished_import(self.user, b"b" * 1000)
        self.clean()
        self.assertEqual(self.user.show(staged)["status"], "uploading")
        image = self.user.show(other)
        self.assertEqual((image["status"], image["os_glance_import_task"]), ("importing", task_id))

    def test_other_imports_are_mended_although_one_cannot_be(self):
        two = [unfinished_import(self.user, content)[0] for content in (b"b" * 1000, b"c" * 1000)]
        mend = self.janitor.mending.mend_import
        met = []

        # Which of them comes first nobody knows: Glance notes the second in which an image was made.
        def mend_all_but_the_first(record):
            if record["image_id"] in two:
                met.append(record["image_id"])
                if len(met) == 1:
                    raise RuntimeError("it changed")
            return mend(record)

        with mock.patch.object(self.janitor.mending, "mend_import", mend_all_but_the_first):
            told = self.clean()
        self.assertEqual([self.user.show(image_id)["status"] for image_id in met], ["importing", "uploading"])
        self.assertTrue([line for line in told if "it changed" in line], told)


if __name__ == "__main__":
    unittest.main()
