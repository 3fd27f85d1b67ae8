"""The body of an upload: begun already, counted, and never shorter or longer than declared without a word."""

import io
import time

import webob.exc

# Most of what tells an image's format lies in here.
PREFIX_BYTES = 256 * 1024
# What is still read of an upload that is refused: a client that is writing sees the answer only when it gets that far.
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 10


class UploadBody(io.RawIOBase):
    """
    A request's body as Glance reads it. declared: its length in bytes, None when the client did not say. Ends with 400,
    never quietly, when the connection does.
    """

    def __init__(self, source, declared):
        super().__init__()
        self._source = source
        self._declared = declared
        self._received = 0
        self._prefix = b""
        self._ended = False

    def read_prefix(self):
        """The first bytes, and whether they are all; the body still begins with them afterwards."""
        self._prefix = self._fill(PREFIX_BYTES)
        complete = self._ended or (self._declared is not None and self._received == self._declared)
        return self._prefix, complete

    def readable(self):
        return True

    def read(self, size=-1):
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1024 * 1024), b""))
        block, self._prefix = self._prefix[:size], self._prefix[size:]
        # webob takes an answer that is shorter than asked for the end of the connection.
        return block + self._fill(size - len(block)) if len(block) < size else block

    def readinto(self, buffer):
        block = self.read(len(buffer))
        buffer[:len(block)] = block
        return len(block)

    def drain(self):
        """Reads on for a while and throws it away; never raises."""
        until = time.monotonic() + DRAIN_SECONDS
        drained = 0
        try:
            while drained < DRAIN_BYTES and time.monotonic() < until:
                block = self._receive(1024 * 1024)
                if not block:
                    return
                drained += len(block)
        except webob.exc.HTTPException:
            pass  # it is refused anyway

    def _fill(self, size):
        parts = []
        while size > 0:
            part = self._receive(size)
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _receive(self, size):
        if self._declared is not None:
            size = min(size, self._declared - self._received)
        if size <= 0 or self._ended:
            return b""
        try:
            block = self._source.read(size)
        except Exception as failure:  # each server raises exceptions of its own
            raise self._broken_off(failure) from failure
        if not block:
            self._ended = True
            if self._declared is not None and self._received < self._declared:
                raise self._broken_off("it ended early")
        self._received += len(block)
        return block

    def _broken_off(self, cause):
        expected = "" if self._declared is None else " of %d" % self._declared
        return webob.exc.HTTPBadRequest(
            explanation="The upload broke off after %d%s bytes (%s), so nothing was staged: upload it again."
                        % (self._received, expected, cause))
