"""What the filter knows of a request while Glance answers it and calls the staging store, in the same process."""

import threading

_lock = threading.Lock()
_expected = {}


class Expectation:
    """One PUT .../stage that is being answered."""

    def __init__(self, image_id, declared, claim, project_id, reservation, ticket=None):
        self.image_id = image_id
        # Bytes that the client said it sends; None when it did not say.
        self.declared = declared
        # What it is held against, as rules.of_upload says.
        self.claim = claim
        self.project_id = project_id
        # None when the sidecar is down and Glance goes on without it.
        self.reservation = reservation
        # Of a body that waits in the daemon; None when it comes through this process.
        self.ticket = ticket
        # Set by the driver when the sidecar has the bytes.
        self.staged = False

    def __enter__(self):
        with _lock:
            _expected[_key(self.image_id)] = self
        return self

    def __exit__(self, *_):
        with _lock:
            if _expected.get(_key(self.image_id)) is self:
                del _expected[_key(self.image_id)]
        if self.reservation is not None:
            self.reservation.close()


def find(image_id):
    """
    The request for this image that this thread answers, or None: then a task writes it (web-download and the like). Of two requests
    for one image Glance lets one begin: it must not be taken for the other, whose bytes may be others.
    """
    with _lock:
        return _expected.get(_key(image_id))


def _key(image_id):
    # Glance calls its stores on the thread of the request.
    return threading.get_ident(), image_id
