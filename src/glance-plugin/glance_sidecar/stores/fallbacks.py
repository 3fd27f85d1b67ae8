"""Images that Glance itself writes to a store, for want of a shorter way: counted by the sidecar, which has the metrics."""

from oslo_log import log as logging

LOG = logging.getLogger(__name__)


def note(kind, reason):
    """kind: of the store, by its scheme; reason: of refusal. Never raises: nobody waits for a number."""
    from glance_sidecar.rpc import client
    from glance_sidecar.rpc.errors import SidecarError
    try:
        client.get().call("Stores.NoteFallback", kind=kind, reason=reason)
    except SidecarError as failure:
        LOG.debug("An image that Glance itself writes was not counted: %s", failure.message)
