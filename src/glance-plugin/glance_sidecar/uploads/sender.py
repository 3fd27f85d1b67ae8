"""A Stage call: an image sent to the sidecar in chunks."""

import queue
import threading

import grpc

from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

try:
    import google_crc32c
except ImportError:
    # A checksum in pure Python would cost more than all the rest; the sidecar computes one of the whole file anyway.
    google_crc32c = None

_END = object()
# How many chunks may wait for the sidecar; more would only be memory.
_AHEAD = 4
# The largest data that one message carries; a source may hand out larger blocks.
_LIMIT = 1024 * 1024


class _CallEnded(Exception):
    """The sidecar has ended the call, whatever there is left to send."""


class Sender:
    """Sends one image."""

    def __init__(self, image_id, declared, reservation, claims, on_step):
        self._header = messages.StageHeader(image_id=image_id, **claims)
        if declared is not None:
            self._header.declared_size = declared
        if reservation is not None:
            self._header.reservation_id = reservation.id
        self._on_step = on_step
        self._sent = 0
        self._waiting = queue.Queue(_AHEAD)
        self._ended = threading.Event()

    def send(self, source):
        """
        Sends all blocks of source, then the finish. Returns the size in bytes. Raises SidecarError when the sidecar
        refuses, and what source raises; then nothing is committed.
        """
        call = client.get().feed("Staging.Stage", iter(self._waiting.get, _END))
        call.add_done_callback(lambda _: self._ended.set())
        try:
            self._send_all(source)
            return call.result().size
        except grpc.RpcError as failure:
            raise SidecarError.of(failure) from None
        finally:
            call.cancel()
            self._ended.set()
            self._let_feeder_go()

    def _send_all(self, source):
        try:
            self._put(messages.StageRequest(header=self._header))
            for block in source:
                self._put_block(block)
                self._on_step(self._sent)
            self._put(messages.StageRequest(finish=messages.StageFinish(total_size=self._sent)))
            self._put(_END)
        except _CallEnded:
            # What is left of the source, be it 100 GB, is of no use to anybody; the call's result says why it ended.
            pass

    def _put_block(self, block):
        view = memoryview(block)
        while view:
            data = bytes(view[:_LIMIT])
            chunk = messages.StageChunk(data=data)
            if google_crc32c is not None:
                chunk.crc32c = google_crc32c.value(data)
            self._put(messages.StageRequest(chunk=chunk))
            self._sent += len(data)
            view = view[_LIMIT:]

    def _put(self, request):
        """Hands a message to the call, waiting while it is behind. Raises _CallEnded when nobody takes it any more."""
        while not self._ended.is_set():
            try:
                self._waiting.put(request, timeout=0.25)
                return
            except queue.Full:
                continue
        raise _CallEnded()

    def _let_feeder_go(self):
        # grpc reads the queue on a thread of its own, which would wait for ever for the next message.
        while True:
            try:
                self._waiting.put_nowait(_END)
                return
            except queue.Full:
                try:
                    self._waiting.get_nowait()
                except queue.Empty:
                    pass
