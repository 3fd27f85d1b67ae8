"""The sidecar's refusals as HTTP errors, with texts for a user."""

from oslo_log import log as logging
import webob.exc

from glance_sidecar import options
from glance_sidecar.rpc.errors import CONTENT_REASONS

LOG = logging.getLogger(__name__)


def unavailable(text):
    """503 with Retry-After."""
    return webob.exc.HTTPServiceUnavailable(
        explanation=text, headers=[("Retry-After", str(options.settings().retry_after))])


def to_http(error, what):
    """The HTTP error for a refused call. what: the action that failed, such as "The image cannot be staged"."""
    text = "%s: %s" % (what, error.message)
    if error.down:
        # The user is not told what the sidecar's address is, and how it fails; whoever reads the log wants to know.
        LOG.warning("%s: the staging sidecar does not answer: %s (%s).", what, error.message, error.code.name)
        return unavailable("%s: the staging sidecar of this pod does not answer. Try again later." % what)
    if error.reason == "NO_SPACE":
        if error.facts.get("never") == "true":
            return webob.exc.HTTPRequestEntityTooLarge(explanation=text)
        return unavailable("%s Try again later." % _sentence(text))
    if error.reason == "IMAGE_TOO_LARGE":
        return webob.exc.HTTPRequestEntityTooLarge(explanation=text)
    if error.reason == "IDLE_TIMEOUT":
        return webob.exc.HTTPRequestTimeout(explanation=text)
    if error.reason in CONTENT_REASONS or error.reason in ("LENGTH_MISMATCH", "UNFINISHED", "INVALID_REQUEST", "INVALID_IMAGE_ID"):
        return webob.exc.HTTPBadRequest(explanation=text)
    if error.reason in ("OFFSET_MISMATCH", "UPLOAD_NOT_FOUND"):
        # As resumable uploads have it: the client goes on at this offset.
        offset = [("Upload-Offset", error.facts["offset"])] if "offset" in error.facts else []
        return webob.exc.HTTPConflict(explanation=text, headers=offset)
    if error.reason in ("UPLOAD_TAKEN_OVER", "UPLOAD_ABORTED", "ALREADY_STAGED"):
        return webob.exc.HTTPConflict(explanation=text)
    return unavailable(text)


def _sentence(text):
    return text if text.endswith(".") else text + "."
