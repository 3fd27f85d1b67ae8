"""Uploads whose bytes do not come through this process: they wait in the daemon until the staging store asks for them."""

import io

from oslo_log import log as logging
import webob.exc

from glance_sidecar import refusals
from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.wsgi import source

LOG = logging.getLogger(__name__)

# Set by the daemon's ingest, which lets nobody else's through.
HEADER = "X-Staging-Sidecar-Ticket"
# Seconds; the channel tries to connect at least once in each.
_PATIENCE = 5


class Ticket:
    """An upload that waits in the daemon."""

    def __init__(self, text, declared, resume_offset, kept, elsewhere):
        self.text = text
        # Bytes of the whole image; None when the client did not say.
        self.declared = declared
        # Where an earlier upload goes on with it; None when it is the whole image.
        self.resume_offset = resume_offset
        # The client can go on when it is cut off.
        self.kept = kept
        # It goes on with an upload, and this pod has none of the image.
        self.elsewhere = elsewhere


def take(request, image_id):
    """
    The Ticket of a stage request, or None. Anybody who reaches Glance directly may send the header: only the daemon says whether a
    ticket is good, and one that is not changes nothing for a request that has bytes of its own. One that has none must not become an
    image of no bytes: raises 503, as the ingest's request is over, or the daemon is.
    """
    ticket = request.headers.pop(HEADER, None)
    if ticket is None:
        return None
    try:
        # A request without bytes comes from a daemon that runs; the channel to one that was restarted needs a moment to notice.
        patience = 0 if _has_body(request) else _PATIENCE
        waiting = client.get().call("Staging.CheckTicket", patience=patience, ticket=ticket, image_id=image_id)
    except SidecarError as failure:
        if _has_body(request):
            LOG.info("A stage request of image %s shows a ticket that is not good and is taken without it: %s",
                     image_id, failure.message)
            return None
        raise refusals.to_http(failure, "The image cannot be staged") from failure
    declared = waiting.declared_size if waiting.HasField("declared_size") else None
    _describe(request, declared)
    resume_offset = waiting.resume_offset if waiting.HasField("resume_offset") else None
    return Ticket(ticket, declared, resume_offset, waiting.kept, waiting.elsewhere)


def _has_body(request):
    return bool(request.content_length) or source.is_chunked(request) or (
        request.content_length is None and bool(request.environ.get("wsgi.input_terminated")))


def _describe(request, declared):
    """Glance sees the upload as the client sends it, except that its bytes cannot be read."""
    environ = request.environ
    environ["wsgi.input"] = WithheldBody()
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    # webob remembers this of the body that was there before.
    environ.pop("webob.is_body_seekable", None)
    environ["wsgi.input_terminated"] = declared is None
    if declared is None:
        environ.pop("CONTENT_LENGTH", None)
    else:
        environ["CONTENT_LENGTH"] = str(declared)


class WithheldBody(io.RawIOBase):
    """In the place of a body that only the daemon reads. Whoever reads it fails, so that it is never taken for an empty one."""

    def readable(self):
        return True

    def read(self, size=-1):
        raise webob.exc.HTTPServiceUnavailable(
            explanation="The image was not staged: its bytes wait in the staging sidecar, and only its own staging store fetches them. "
                        "Glance needs [DEFAULT] enabled_backends for that; without it, uploads must not come through the sidecar.")

    def readinto(self, buffer):
        return self.read(len(buffer))

    def drain(self):
        """Nothing to read: the daemon does that."""
