"""Puts our stores in place of those that Glance configured."""

import glance_store
from glance_store import location
from oslo_log import log as logging

from glance_sidecar import volume
from glance_sidecar.store import Store, StoreLocation
from glance_sidecar.stores import swapping

LOG = logging.getLogger(__name__)


def ensure():
    """
    Takes over the staging store and those that images go to. May be called at every request. True when the staging store is
    ours, after a swap where needed. False in single-store mode, where Glance makes a store of its own at each use, and before
    its stores are made.
    """
    swapping.ensure()
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
