"""How the package's channel calls the sidecar over its Unix socket."""

import os
import re
import socket
import tempfile
import threading
import unittest
from unittest import mock
from urllib.parse import quote

import grpc

from glance_sidecar.rpc import messages
from glance_sidecar.rpc.client import Client
from glance_sidecar.rpc.errors import SidecarError
from tests.harness.daemon import Daemon
from tests.harness.support import wait_until

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS = 1
_NAME = "grpc.default_authority"
# HPACK: a literal that is indexed from here on, whose name is spelled out or the first one of the static table.
_AUTHORITY = re.compile(rb"(?:\x40\x0a:authority|\x41)(.)", re.DOTALL)


class Listener:
    """Takes one connection, notes the :authority of its first request, and hangs up."""

    def __init__(self, family, address):
        self.authority = None
        self._socket = socket.socket(family)
        self._socket.bind(address)
        self._socket.listen()
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self):
        self._thread.join(30)
        self._socket.close()

    def _serve(self):
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(30)
            stream.read(len(_PREFACE))
            connection.sendall(bytes(3) + b"\x04" + bytes(5))  # settings, all as they are
            kind = None
            while kind != _HEADERS:
                head = stream.read(9)
                kind, payload = head[3], stream.read(int.from_bytes(head[:3], "big"))
            found = _AUTHORITY.search(payload)
            self.authority = payload[found.end():found.end() + found.group(1)[0]].decode()


def as_the_newest_grpcio(address, options=()):
    """What grpcio does since 1.57: the name of the server is the path of its socket, unless an option says another."""
    scheme, path = address.split(":", 1)
    if scheme == "unix" and _NAME not in dict(options):
        options = [(_NAME, percent_encoded(path)), *options]
    return _insecure_channel(address, options)


def percent_encoded(path):
    return quote(path.lstrip("/"), safe="")


_insecure_channel = grpc.insecure_channel


class RestartTest(unittest.TestCase):
    def test_a_sidecar_that_is_back_is_found_again(self):
        daemon = Daemon().start()
        self.addCleanup(daemon.close)
        client = Client(daemon.address)
        self.addCleanup(client.close)
        for _ in range(4):
            self.assertTrue(client.call("Staging.GetCapacity").accepts_uploads)
            daemon.kill()
            for _ in range(3):
                with self.assertRaises(SidecarError):
                    client.call("Staging.GetCapacity")
            daemon.start_again()
            self.assertTrue(client.call("Staging.GetCapacity", patience=5).accepts_uploads)

    def test_a_sidecar_that_is_slow_to_answer_is_waited_for(self):
        daemon = Daemon().start()
        self.addCleanup(daemon.close)
        client = Client(daemon.address)
        self.addCleanup(client.close)
        daemon.freeze()
        timer = threading.Timer(1, daemon.thaw)
        timer.start()
        self.addCleanup(timer.join)
        self.assertTrue(client.call("Staging.GetCapacity").accepts_uploads)


@mock.patch.object(grpc, "insecure_channel", as_the_newest_grpcio)
class AuthorityTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="sc-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def recorded(self, family, bound, target="127.0.0.1:%d"):
        listener = Listener(family, bound)
        client = Client(target if family == socket.AF_UNIX else target % listener.address[1])
        with self.assertRaises(SidecarError):
            client.call("Staging.GetCapacity", timeout=30)
        client.close()
        listener.close()
        return listener.authority

    def test_over_a_socket_the_sidecar_is_called_localhost(self):
        for scheme in ("unix:", "unix://"):
            with self.subTest(scheme):
                path = os.path.join(self.directory, str(len(scheme)))
                self.assertEqual(self.recorded(socket.AF_UNIX, path, scheme + path), "localhost")

    def test_over_tcp_it_is_called_by_its_address(self):
        self.assertRegex(self.recorded(socket.AF_INET, ("127.0.0.1", 0)), r"^127\.0\.0\.1:\d+$")

    def test_the_sidecar_answers_both_names_and_logs_the_other_one_once(self):
        daemon = Daemon().start()
        self.addCleanup(daemon.close)
        request = messages.of("glance.sidecar.v1.GetCapacityRequest")()
        for _ in range(2):
            with grpc.insecure_channel(daemon.address) as bare:
                method = bare.unary_unary(
                    "/glance.sidecar.v1.Staging/GetCapacity", request_serializer=type(request).SerializeToString)
                method(request, timeout=30)
        client = Client(daemon.address)
        self.addCleanup(client.close)
        self.assertTrue(client.call("Staging.GetCapacity").accepts_uploads)
        line = percent_encoded(daemon.socket) + " as its :authority"
        wait_until(lambda: daemon.count_in_log(line), "the daemon logs the name")
        self.assertEqual(daemon.count_in_log(line), 1)
