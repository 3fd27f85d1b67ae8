"""glance-api is killed at each point of the way of an image to its store."""

import os

from tests.harness import killing
from tests.harness.served import ServedTest
from tests.harness.support import FAR, PACKAGE, SCRATCH, wait_until

MIB = 1024 * 1024


class KilledWorkerTest(ServedTest):
    options = ["-c", os.path.join(PACKAGE, "tests", "harness", "killing.py")]
    kill_at = os.path.join(SCRATCH, "kill-at")

    @classmethod
    def setUpClass(cls):
        os.environ["TEST_KILL_AT"] = cls.kill_at
        cls.addClassCleanup(os.environ.pop, "TEST_KILL_AT")
        super().setUpClass()

    def test_image_can_be_imported_again_and_nothing_is_left_in_its_store(self):
        for point in killing.POINTS:
            store, directory = ("far", FAR + "/first") if point == "half copied" else ("fast", SCRATCH + "/fast")
            with self.subTest(point):
                self.check(point, store, directory)

    def check(self, point, store, directory):
        content = os.urandom(MIB)
        image_id = self.create()
        self.assertEqual(self.ask("PUT", "/v2/images/%s/stage" % image_id, content)[0], 204)
        killing.kill_at(self.kill_at, point)
        self.start_import(image_id, store)
        wait_until(lambda: not os.path.exists(self.kill_at), "a worker dies", 60)
        wait_until(lambda: self.is_mended(image_id), "the image is mended", 60)
        self.assertEqual([name for name in os.listdir(directory) if image_id in name], [])
        self.start_import(image_id, store)
        wait_until(lambda: self.try_show(image_id).get("status") == "active", "the image is active", 60)
        with open(os.path.join(directory, image_id), "rb") as file:
            self.assertTrue(file.read() == content)
        self.assertEqual([name for name in os.listdir(directory) if image_id in name], [image_id])

    def start_import(self, image_id, store):
        try:
            self.ask("POST", "/v2/images/%s/import" % image_id, {"method": {"name": "glance-direct"}, "stores": [store]})
        except OSError:
            pass  # the worker died before it could answer

    def is_mended(self, image_id):
        image = self.try_show(image_id)
        return image.get("status") == "uploading" and "os_glance_import_task" not in image

    def try_show(self, image_id):
        try:
            return self.show(image_id)
        except OSError:
            return {}  # of the worker that died

