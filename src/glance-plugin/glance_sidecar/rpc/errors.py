"""What the sidecar answers when it refuses, and how that is told to Glance's users."""

import grpc

from glance_sidecar.rpc import messages

DETAILS_TRAILER = "grpc-status-details-bin"

# The bytes themselves are at fault: importing them again cannot end otherwise.
CONTENT_REASONS = frozenset((
    "IMAGE_REFUSED", "FORMAT_MISMATCH", "COMPRESSED_DATA_CORRUPT", "COMPRESSION_UNSUPPORTED", "RATIO_EXCEEDED",
    "OUTPUT_TOO_LARGE", "VIRTUAL_SIZE_TOO_LARGE", "UNSUPPORTED_FORMAT", "TOOL_FAILED", "DIGEST_MISMATCH",
    "SIGNATURE_INVALID"))
# The image's properties are, or the certificate that they name: the bytes may be right.
SIGNATURE_REASONS = frozenset(("SIGNATURE_MALFORMED", "SIGNATURE_UNSUPPORTED", "CERTIFICATE_REFUSED"))


class SidecarError(Exception):
    """A call of the sidecar that did not succeed: its status, stable reason, text for a person, and typed facts."""

    def __init__(self, code, reason, message, facts=None):
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.facts = facts or {}

    @classmethod
    def of(cls, failure):
        """From what grpc raised."""
        code = failure.code() if hasattr(failure, "code") else grpc.StatusCode.UNKNOWN
        text = (failure.details() if hasattr(failure, "details") else None) or str(code)
        info = _info(failure)
        if info is None:
            return cls(code, "", text)
        return cls(code, info.reason, text, dict(info.metadata))

    @property
    def down(self):
        """No sidecar answered: it is not running, or it hangs."""
        return not self.reason and self.code in (
            grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN,
            grpc.StatusCode.CANCELLED)

    @property
    def not_found(self):
        return self.code == grpc.StatusCode.NOT_FOUND

    @property
    def transient(self):
        """The same call may well succeed later, without anybody doing anything about the image."""
        return self.down or self.code == grpc.StatusCode.UNAVAILABLE or self.reason == "OVERLOADED"


def _info(failure):
    for key, value in (failure.trailing_metadata() or ()) if hasattr(failure, "trailing_metadata") else ():
        if key != DETAILS_TRAILER:
            continue
        status = messages.Status.FromString(value)
        for detail in status.details:
            if detail.type_url.endswith("/google.rpc.ErrorInfo"):
                return messages.ErrorInfo.FromString(detail.value)
    return None
