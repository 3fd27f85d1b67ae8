"""An import on a volume that is full for a while."""

import os
import subprocess
import threading
import unittest

from oslo_config import cfg

from tests.harness import glance
from tests.harness.daemon import Daemon
from tests.harness.images import qcow2
from tests.harness.support import wait_until


class Messages:
    """What a task would show."""

    def __init__(self):
        self.texts = []

    def tell(self, text, at_once=False):
        self.texts.append(text)


@unittest.skipUnless(os.geteuid() == 0, "mounting a small volume needs root")
class SpaceTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()
        from glance_sidecar.imports import attempt
        from glance_sidecar.rpc import client
        self.attempt = attempt
        self.addCleanup(setattr, attempt, "SPACE_PAUSE", attempt.SPACE_PAUSE)
        attempt.SPACE_PAUSE = 0.2
        daemon = Daemon(
            Staging__ReserveBytes=0, Staging__LowWatermarkPercent=0, Staging__HighWatermarkPercent=0,
            Import__Plugins__0="image_conversion")
        self.addCleanup(daemon.close)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", daemon.staging], check=True)
        self.addCleanup(subprocess.run, ["umount", daemon.staging])
        self.addCleanup(daemon.kill)
        daemon.start()
        cfg.CONF.set_override("address", daemon.address, "staging_sidecar")
        self.addCleanup(cfg.CONF.clear_override, "address", "staging_sidecar")
        self.filler = os.path.join(daemon.staging, "filler")
        packed, self.plain = qcow2(64, 48)
        self.image_id = "6b1f2c3d-0000-4000-8000-000000000001"
        path = os.path.join(daemon.staging, "upload")
        with open(path, "wb") as file:
            file.write(packed)
        client.get().call("Staging.AdoptFile", image_id=self.image_id, path=path)
        with open(self.filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 112 << 20)

    def begin(self):
        self.messages = Messages()
        return self.attempt.Attempt(
            "6b1f2c3d-0000-4000-8000-000000000002",
            {"image_id": self.image_id, "disk_format": "qcow2", "output_disk_format": "raw"}, self.messages)

    def test_import_waits_for_space_and_says_so(self):
        done = []
        thread = threading.Thread(target=lambda: done.append(self.begin().run()), daemon=True)
        thread.start()
        wait_until(lambda: any("Waiting for space" in text for text in self.messages.texts), "it waits for space")
        os.unlink(self.filler)
        thread.join(60)
        self.assertEqual(done[0].result.size, len(self.plain))

    def test_import_fails_when_there_is_no_space_for_too_long(self):
        from glance_sidecar.rpc.errors import SidecarError
        cfg.CONF.set_override("space_wait", 1, "staging_sidecar")
        self.addCleanup(cfg.CONF.clear_override, "space_wait", "staging_sidecar")
        with self.assertRaises(SidecarError) as raised:
            self.begin().run()
        self.assertEqual(raised.exception.reason, "NO_SPACE")
