"""Deadlocks in Glance's database, real ones: the server ends the transaction of Glance, and no user may read HTTP 500."""

import threading
import unittest

from tests.harness import glance
from tests.harness import mariadb
from tests.harness.support import wait_until


class DeadlockTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        self.user = glance.User()
        self.image_id = self.user.create()
        self.rival = mariadb.Rival()

    def during(self, work, cross):
        """Does the work in a thread; when it waits for the rival, the rival crosses its way and then gives in."""
        results = []
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        try:
            wait_until(self.rival.is_waited_for, "the transaction waits for its rival")
            cross()
        finally:
            self.rival.end()
            thread.join(60)
        return results[0]

    def test_import_that_is_chosen_as_the_victim_is_begun_again(self):
        from glance_sidecar import database
        self.assertEqual(self.user.stage(self.image_id, b"a" * 1000).status_int, 204)
        # What two imports do that begin at the same time: both lock the gap where their rows will be, and then insert.
        gap = (self.image_id, database.LOCK)
        self.rival.run("SELECT id FROM image_properties WHERE image_id = %s AND name = %s FOR UPDATE", *gap)

        answer = self.during(
            lambda: self.user.start_import(self.image_id),
            lambda: self.rival.run("INSERT INTO image_properties (image_id, name, created_at, deleted)"
                                   " VALUES (%s, %s, NOW(), 0)", *gap))

        self.assertEqual(answer.status_int, 202, answer.text)
        task = self.user.end_of_import(self.image_id)
        self.assertEqual(task["status"], "success", task["message"])
        self.assertEqual(self.user.show(self.image_id)["status"], "active")

    def test_property_that_is_dropped_is_dropped_in_the_end(self):
        from glance_sidecar import database
        database.images().set_property_atomic(database.find_image(self.image_id), database.LOCK, "a task")
        # Glance gets to the row by an index, and the rival the other way round.
        row, = self.rival.run("SELECT id FROM image_properties WHERE image_id = %s", self.image_id)
        self.rival.run("SELECT value FROM image_properties FORCE INDEX (PRIMARY) WHERE id = %s FOR UPDATE", row)

        self.during(
            lambda: database.drop_property(self.image_id, database.LOCK),
            lambda: self.rival.run("SELECT id FROM image_properties FORCE INDEX (ix_image_properties_image_id)"
                                   " WHERE image_id = %s FOR UPDATE", self.image_id))

        self.assertNotIn(database.LOCK, database.find_image(self.image_id).extra_properties)


if __name__ == "__main__":
    unittest.main()
