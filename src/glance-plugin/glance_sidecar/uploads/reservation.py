"""Space that the sidecar promised for an image, held by an open call."""

import threading

import grpc

from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import SidecarError

# A ledger answers at once; a sidecar that does not within this time is as good as down.
_ANSWER_TIMEOUT = 15


class Reservation:
    """
    Promised space for one image. It lasts until close(), or until this process dies, which is how a crash gives the
    space back without anybody's help. Raises SidecarError when it is not granted.
    """

    def __init__(self, image_id, size, project_id=""):
        self.image_id = image_id
        self._project_id = project_id or ""
        self._call = None
        self.id = None
        self._open(size)

    def adjust(self, remaining):
        """
        Says how many bytes are still to be written. Raises SidecarError when more were asked for and are not there. A
        sidecar that is away is not an error: the bytes are on the volume all the same, and are accounted for when it is
        back.
        """
        try:
            client.get().call("Staging.AdjustReservation", reservation_id=self.id, remaining_bytes=max(0, remaining))
        except SidecarError as failure:
            if failure.reason == "RESERVATION_NOT_FOUND":
                self._reopen(remaining)
            elif not failure.down:
                raise

    def close(self):
        """Gives back what is left. May be called again."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _reopen(self, size):
        # The sidecar restarted, or the image was deleted at it, and with that the call ended.
        self.close()
        try:
            self._open(size)
        except SidecarError as failure:
            if not failure.transient:
                raise

    def _open(self, size):
        call = client.get().open(
            "Staging.Reserve", image_id=self.image_id, bytes=max(0, size), project_id=self._project_id)
        timer = threading.Timer(_ANSWER_TIMEOUT, call.cancel)
        timer.daemon = True
        timer.start()
        try:
            self.id = next(iter(call)).reservation_id
        except StopIteration:
            raise SidecarError(grpc.StatusCode.UNAVAILABLE, "", "The sidecar ended a reservation at once.") from None
        except grpc.RpcError as failure:
            raise SidecarError.of(failure) from None
        finally:
            timer.cancel()
        self._call = call
