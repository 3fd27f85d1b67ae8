"""Why an image does not go to its store by the short way."""

from glance_store import exceptions

# What is counted, as the API names it (NoteFallbackRequest.Reason).
DRIVER = "DRIVER"
SETTINGS = "SETTINGS"
UNKNOWN_BYTES = "UNKNOWN_BYTES"
NO_DIGEST = "NO_DIGEST"
READ_BY_GLANCE = "READ_BY_GLANCE"
SIDECAR_CANNOT = "SIDECAR_CANNOT"


class Unsupported(Exception):
    """A case that is Glance's own; the text is a part of a sentence that says why, the reason one of those above."""

    def __init__(self, reason, text):
        super().__init__(text)
        self.reason = reason


class DirectRefused(exceptions.BackendException):
    """As Unsupported where the operator wants nothing else; the text is a sentence for the user."""

    def __init__(self, store, reason):
        super().__init__(
            "Only Glance itself can write the image to store %s, which [staging_sidecar] direct = require rules out: %s."
            % (store or "(default)", reason))
