import threading
import unittest
from unittest import mock

from tests.harness import glance


class LoopTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        from glance_sidecar.repair import background
        self.background = background
        self.may_end, self.runs = threading.Event(), threading.Event()

        class Waiting(background.Loop):
            def turn(loop):
                self.runs.set()
                self.may_end.wait(60)

        self.loop = Waiting("waiting", lambda: 0.01)
        self.addCleanup(self.loop.stop)
        self.addCleanup(self.may_end.set)
        self.loop.start()
        self.assertTrue(self.runs.wait(60))

    def test_long_turn_is_told_of_once_with_where_it_stands(self):
        with mock.patch.object(self.background, "_LONG_SECONDS", 0):
            with self.assertLogs("glance_sidecar.repair.background", "WARNING") as told:
                self.loop.warn_when_long()
                self.loop.warn_when_long()
        self.assertEqual(len(told.output), 1)
        self.assertIn("The waiting thread has been at one turn for", told.output[0])
        self.assertIn("self.may_end.wait(60)", told.output[0])

    def test_short_turn_is_not(self):
        with self.assertNoLogs("glance_sidecar.repair.background", "WARNING"):
            self.loop.warn_when_long()


if __name__ == "__main__":
    unittest.main()
