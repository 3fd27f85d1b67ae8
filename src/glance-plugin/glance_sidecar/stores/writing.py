"""Has the sidecar write an image to a store."""

import time

import grpc

from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar.rpc import client
from glance_sidecar.rpc import following
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)

_PAUSE = 0.5
# Ceph takes a process that was killed for alive for half a minute.
_DISCARD_TIMEOUT = 120


class StoreWrite:
    """
    What the sidecar knows one write by: what is written, of which image, which may lie on another pod that writes it then, Glance's
    name of the store, and where that is.
    """

    def __init__(self, source_id, image_id, store, target):
        self._key = {"source_id": source_id, "image_id": image_id, "store": store}
        self._target = target

    def run(self, algorithms, tell, others=()):
        """
        The stored image, written now or before. tell: as in DirectStore. others: writes of the same to other stores, which begin with
        this one, so that what is written is read once. Raises SidecarError; and what tell raises, when what was written is
        discarded.
        """
        down_since = None
        while True:
            try:
                return self._follow(algorithms, tell, others)
            except SidecarError as failure:
                if not failure.transient:
                    raise
                # It goes on, or begins anew, when the sidecar is back: asked for again it is the same write.
                down_since = down_since or time.monotonic()
                if time.monotonic() - down_since >= options.settings().wait:
                    raise
                LOG.info("Waiting for the sidecar, which writes to store %s: %s", self._key["store"], failure.message)
                tell(0)
                client.get().pause(_PAUSE)

    def discard(self):
        """Removes what the store has of it, unless it is part of an image. Returns whether there was something. Raises SidecarError."""
        return client.get().call(
            "Stores.DiscardStored", timeout=_DISCARD_TIMEOUT, target=self._target, **self._key).discarded

    def _follow(self, algorithms, tell, others):
        call = client.get().open(
            "Stores.StoreOutput", target=self._target, digests=sorted(set(algorithms)),
            others=[{"store": other._key["store"], "target": other._target} for other in others], **self._key)
        last = None
        try:
            for event in following.follow(call, options.settings().progress_interval):
                last = event or last
                tell(last.bytes_done if last is not None else 0)
            if last is None or not last.HasField("image"):
                raise SidecarError(grpc.StatusCode.UNAVAILABLE, "", "The sidecar ended the call before the write's end.")
            return last.image
        except SidecarError:
            raise
        except BaseException:
            # Somebody ended the task: nobody wants it.
            self._try_discard()
            raise
        finally:
            call.cancel()

    def _try_discard(self):
        try:
            self.discard()
        except SidecarError as failure:
            LOG.warning("What was written to store %s could not be discarded: %s", self._key["store"], failure.message)


def confirm(source_id, image_id, store):
    """Tells the sidecar that an image has what was written. Never raises: then it only could be discarded for longer."""
    try:
        client.get().call("Stores.ConfirmStored", source_id=source_id, image_id=image_id, store=store)
    except SidecarError as failure:
        LOG.info("The write to store %s stays unconfirmed: %s", store, failure.message)
