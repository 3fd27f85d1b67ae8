"""Calls of the sidecar in this pod."""

import os
import threading
import time

import grpc

from glance_sidecar import options
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

# Locating asks all peers and waits up to 3 s for them by default; this leaves room for slower settings.
DEFAULT_TIMEOUT = 20
# Removing very large files, on several pods, takes its time.
DELETE_TIMEOUT = 60
# A terabyte is read once for its checksum and made durable.
ADOPT_TIMEOUT = 4 * 3600

_CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 8 * 1024 * 1024),
    ("grpc.max_send_message_length", 8 * 1024 * 1024),
    # The default grows to two minutes, in which a sidecar that restarted would still be taken for dead.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # Also the time that one attempt may take: a sidecar on a busy node needs it to answer.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A sidecar that hangs keeps its connection. Calls that last as long as an import have no timeout; this ends them.
    ("grpc.keepalive_time_ms", 20000),
    ("grpc.keepalive_timeout_ms", 10000),
    # Also while nothing else is sent, as when an import waits for its turn.
    ("grpc.http2.max_pings_without_data", 0),
    # A proxy of the environment is for the outside, never for this pod.
    ("grpc.enable_http_proxy", 0),
]
# A socket has no host. Since 1.57 grpcio would call the server by the path of the socket, and servers refuse that.
_SOCKET_OPTIONS = [("grpc.default_authority", "localhost")]

_lock = threading.Lock()
_clients = {}


class Client:
    """One channel, for one process; safe for threads."""

    def __init__(self, address):
        self.address = address
        self._channel = grpc.insecure_channel(address, options=_options_of(address))
        self._methods = {name: self._bind(name, method) for name, method in messages.methods().items()}

    def call(self, name, timeout=DEFAULT_TIMEOUT, patience=0, **fields):
        """
        The answer of a unary call such as "Staging.GetImage". Raises SidecarError. With patience the call is repeated
        for that many seconds while no sidecar, or no owner, answers; only for calls that may be made twice.
        """
        request = self.request(name, **fields)
        give_up = time.monotonic() + patience
        while True:
            try:
                return self._methods[name](request, timeout=timeout)
            except grpc.RpcError as failure:
                error = SidecarError.of(failure)
                left = give_up - time.monotonic()
                if not error.transient or left <= 0:
                    raise error from None
                self.pause(min(0.25, left))

    def open(self, name, timeout=None, **fields):
        """An open call with a stream of answers: iterate it, cancel it."""
        return self._methods[name](self.request(name, **fields), timeout=timeout)

    def feed(self, name, requests):
        """A call that is fed from an iterator of requests, on a thread of grpc's; its result() is the answer."""
        return self._methods[name].future(requests)

    @staticmethod
    def request(name, **fields):
        fields = {key: value for key, value in fields.items() if value is not None}
        return messages.of(messages.methods()[name].input_type.lstrip("."))(**fields)

    def pause(self, seconds):
        """
        Waits before a call is made again. A connection is made only while somebody waits for it: between calls that fail at once
        none ever would be, however long the sidecar is back.
        """
        ready = grpc.channel_ready_future(self._channel)
        try:
            time.sleep(seconds)
        finally:
            ready.cancel()

    def close(self):
        self._channel.close()

    def _bind(self, name, method):
        arity = "%s_%s" % ("stream" if method.client_streaming else "unary",
                           "stream" if method.server_streaming else "unary")
        return getattr(self._channel, arity)(
            "/%s.%s" % (messages.PACKAGE, name.replace(".", "/")),
            request_serializer=messages.of(method.input_type.lstrip(".")).SerializeToString,
            response_deserializer=messages.of(method.output_type.lstrip(".")).FromString)


def _options_of(address):
    return _CHANNEL_OPTIONS + (_SOCKET_OPTIONS if address.startswith(("unix:", "unix-abstract:")) else [])


def get():
    """This process's client. A channel does not survive a fork, so each process makes its own when it first calls."""
    address = options.settings().address
    key = (os.getpid(), address)
    client = _clients.get(key)
    if client is None:
        with _lock:
            client = _clients.get(key)
            if client is None:
                client = _clients[key] = Client(address)
    return client


def _forget_after_fork():
    global _lock
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
