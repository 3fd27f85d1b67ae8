"""A Stage call that the sidecar ends, or does not answer any more."""

import unittest
import uuid
from unittest import mock

from glance_sidecar.rpc import client
from glance_sidecar.rpc.client import Client
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.uploads.sender import Sender
from tests.harness.daemon import Daemon

_BLOCK = bytes(1024 * 1024)
# Far more than all windows and queues between the source and the sidecar hold.
_BLOCKS = 4096
_PATIENT_FOR = [
    (name, {"grpc.keepalive_time_ms": 1000, "grpc.keepalive_timeout_ms": 1000}.get(name, value))
    for name, value in client._CHANNEL_OPTIONS]


class Source:
    """Counts what was taken of it."""

    def __init__(self):
        self.taken = 0

    def __iter__(self):
        for _ in range(_BLOCKS):
            self.taken += 1
            yield _BLOCK


class SenderTest(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon().start()
        self.addCleanup(self.daemon.close)

    def connect(self):
        connected = Client(self.daemon.address)
        self.addCleanup(connected.close)
        replaced = mock.patch.object(client, "get", lambda: connected)
        replaced.start()
        self.addCleanup(replaced.stop)
        return connected

    def send(self, image_id, source, **claims):
        return Sender(image_id, None, None, claims, lambda sent: None).send(source)

    def test_a_refusal_ends_the_reading_of_the_source(self):
        self.connect()
        image_id = str(uuid.uuid4())
        self.assertEqual(self.send(image_id, [b"staged"]), 6)
        source = Source()
        with self.assertRaises(SidecarError) as refused:
            self.send(image_id, source)
        self.assertEqual(refused.exception.reason, "ALREADY_STAGED")
        self.assertLess(source.taken, _BLOCKS)

    def test_a_frozen_sidecar_ends_an_open_call(self):
        with mock.patch.object(client, "_CHANNEL_OPTIONS", _PATIENT_FOR):
            connected = self.connect()
        call = connected.open("Staging.Reserve", image_id=str(uuid.uuid4()), bytes=1)
        next(call)
        self.daemon.freeze()
        with self.assertRaises(Exception) as ended:
            next(call)
        self.assertTrue(SidecarError.of(ended.exception).transient)
