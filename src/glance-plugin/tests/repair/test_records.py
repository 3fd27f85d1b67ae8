"""Records of unfinished work, and who is taken for dead."""

import unittest
import uuid

from tests.harness import glance
from tests.harness.worker import Worker


class RecordsTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        from glance_sidecar.repair import records
        self.records = records

    def test_update_adds_to_what_is_known_and_put_begins_anew(self):
        image_id = str(uuid.uuid4())
        self.records.put("import", image_id, method="glance-direct")
        self.records.update("import", image_id, task_id="t1")
        self.assertEqual(self.records.get("import", image_id), {
            "kind": "import", "image_id": image_id, "method": "glance-direct", "task_id": "t1"})
        self.records.put("import", image_id, method="web-download")
        self.assertNotIn("task_id", self.records.get("import", image_id))
        self.records.remove("import", image_id)
        self.assertIsNone(self.records.get("import", image_id))

    def test_record_of_a_newer_import_is_not_removed_for_an_older_one(self):
        image_id = str(uuid.uuid4())
        self.records.put("import", image_id, task_id="old")
        old = self.records.get("import", image_id)
        self.records.put("import", image_id, task_id="new")
        self.assertFalse(self.records.remove_if(old))
        self.assertEqual(self.records.get("import", image_id)["task_id"], "new")
        self.assertTrue(self.records.remove_if(self.records.get("import", image_id)))

    def test_a_killed_process_is_seen_as_dead_and_a_living_one_is_not(self):
        image_id = str(uuid.uuid4())
        worker = Worker("stage", image_id)
        self.addCleanup(worker.end)
        try:
            self.assertIn(image_id, self._images(self.records.of_live_workers()))
            self.assertNotIn(image_id, self._of_the_dead())
        finally:
            worker.kill()
        self.assertIn(image_id, self._of_the_dead())
        self.assertNotIn(image_id, self._images(self.records.of_live_workers()))
        for directory, _ in list(self.records.of_dead_workers()):
            self.records.discard(directory)
        self.assertEqual(self._of_the_dead(), [])

    @staticmethod
    def _images(records):
        return [record["image_id"] for record in records]

    def _of_the_dead(self):
        return [image_id for _, left in self.records.of_dead_workers() for image_id in self._images(left)]
