"""Where a request's body comes from."""

import sys

import webob.exc


def of(request):
    """A reader of the body. Every server hands it out in the same place, except uWSGI when it comes in chunks."""
    if is_chunked(request) and "uwsgi" in sys.modules:
        # Glance would read the chunks by itself, past the filter, as long as it sees the header.
        del request.environ["HTTP_TRANSFER_ENCODING"]
        request.environ["wsgi.input_terminated"] = True
        return Chunks(sys.modules["uwsgi"].chunked_read)
    return request.environ["wsgi.input"]


def is_chunked(request):
    return request.headers.get("Transfer-Encoding", "").strip().lower() == "chunked"


def read_small(request, most):
    """
    All of a small body, which the application can read again afterwards. Raises 413 when it has more than most bytes:
    what the filter does not read it must not let through.
    """
    source = of(request)
    length = request.content_length
    if length is None and not is_chunked(request) and not request.environ.get("wsgi.input_terminated"):
        return b""
    body = source.read(min(length, most + 1) if length is not None else most + 1)
    if len(body) > most:
        raise webob.exc.HTTPRequestEntityTooLarge(
            explanation="The body has more than %d bytes, which no request of this kind needs." % most)
    request.environ.pop("HTTP_TRANSFER_ENCODING", None)
    request.body = body
    return body


class Chunks:
    """A reader over a function that returns the next chunk, and nothing at the end."""

    def __init__(self, read_chunk):
        self._read_chunk = read_chunk
        self._rest = b""

    def read(self, size):
        """At most size bytes; fewer only at the end of a chunk, none only at the end of all."""
        if not self._rest:
            self._rest = self._read_chunk()
        block, self._rest = self._rest[:size], self._rest[size:]
        return block
