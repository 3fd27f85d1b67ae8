"""Puts our staging store in place of the one that Glance configured."""

import glance_store
from glance_store import location
from oslo_log import log as logging

from glance_sidecar import volume
from glance_sidecar.store import Store, StoreLocation

LOG = logging.getLogger(__name__)


def ensure():
    """
    True when the staging store is ours, after a swap where needed. False in single-store mode, where Glance makes a
    store of its own at each use, and before its stores are made. May be called at every request.
    """
    if not volume.multi_store():
        return False
    entries = location.SCHEME_TO_CLS_BACKEND_MAP.get("file", {})
    entry = entries.get(volume.STAGING_STORE)
    if entry is None:
        return False
    if isinstance(entry["store"], Store):
        return True
    ours = Store.taking_over(glance_store.get_store_from_store_identifier(volume.STAGING_STORE))
    schemes = {
        scheme: {volume.STAGING_STORE: {
            "store": ours, "location_class": StoreLocation, "store_entry": entry["store_entry"]}}
        for scheme in ours.get_schemes()}
    location.register_scheme_backend_map(schemes)
    LOG.info("The staging store hands its bytes to the staging sidecar.")
    return True
