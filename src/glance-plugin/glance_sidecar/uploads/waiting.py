"""Uploads that wait in the daemon until Glance asks for their bytes."""

from oslo_config import cfg
from oslo_log import log as logging

from glance_sidecar.imports import wishes
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError

LOG = logging.getLogger(__name__)


def receive(expected, claims):
    """
    Has the daemon receive the upload of an expected stage request. Returns its size when it is staged. Raises SidecarError; nothing
    is left of it then.
    """
    header = messages.StageHeader(
        image_id=expected.image_id, reservation_id=expected.reservation.id, digests=wishes.of_image(expected.image_id), **claims)
    try:
        # It lasts as long as the client sends. Should the daemon hang, the channel's keepalive ends it.
        return client.get().call(
            "Staging.ReceiveUpload", timeout=None, ticket=expected.ticket.text, header=header,
            max_bytes=cfg.CONF.image_size_cap).size
    except SidecarError as failure:
        if failure.reason != "TICKET_UNKNOWN" and not (expected.ticket.kept and _can_go_on(failure)):
            _abort(expected.image_id)
        raise


def _can_go_on(failure):
    return failure.down or failure.reason in ("UNFINISHED", "IDLE_TIMEOUT", "DRAINING", "OFFSET_MISMATCH")


def _abort(image_id):
    # Nobody resumes it, so what arrived of it would only lie there.
    try:
        client.get().call("Staging.AbortUpload", image_id=image_id)
    except SidecarError as failure:
        LOG.info("The rest of the upload of image %s stays until the sidecar removes it: %s", image_id, failure.message)
