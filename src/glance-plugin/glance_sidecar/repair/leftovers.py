"""
Parts of an image in the stores that it was being written to. Glance has no record of them, and most stores refuse the
next attempt while they are there.
"""

import os

import glance_store
from glance_store import backend
from glance_store import exceptions
from glance_store import location
from oslo_config import cfg
from oslo_log import log as logging

from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores import placing
from glance_sidecar.stores.written import WrittenStore

LOG = logging.getLogger(__name__)
CONF = cfg.CONF


def remove(image_id, stores, import_id=None):
    """
    Removes what there is of the image in these stores; None stands for the only store. Raises InUseByStore while a
    store still takes the dead process for alive, and SidecarError while the sidecar is down; other failures are logged, as
    trying again would not help.
    """
    for name in stores:
        try:
            _remove(image_id, name, import_id)
        except exceptions.NotFound:
            pass
        except (exceptions.InUseByStore, SidecarError):
            raise
        except Exception:
            LOG.exception("A part of image %s may have stayed in store %s: remove it there.",
                          image_id, name or "(default)")


def unlink(path):
    """Removes a file if there is one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    LOG.info("Removed the part of an image at %s.", path)


def _remove(image_id, name, import_id):
    store = glance_store.get_store_from_store_identifier(name) if name else backend.get_store_from_scheme(
        CONF.glance_store.default_store)
    schemes = store.get_schemes()
    if "file" in schemes:
        for directory in _directories(store):
            path = os.path.join(directory, image_id)
            unlink(placing.part_of(path))
            unlink(path)
    elif "rbd" in schemes:
        _discard(image_id, store, import_id)
        # The snapshot is the last thing that the driver makes; without one it is passed over.
        specs = {"fsid": None, "pool": store.pool, "image": image_id, "snapshot": "snap"}
        store.delete(location.Location("rbd", store.get_store_location_class(), CONF, backend=name, store_specs=specs))
        LOG.info("Removed the part of image %s in store %s.", image_id, name)
    elif "s3" in schemes:
        _discard(image_id, store, import_id)
        # Of an import that Glance itself stored. A bucket has no part of an object by its name: it is whole, and nobody's.
        from glance_sidecar.stores import s3
        specs = s3.specs_of(store, image_id)
        store.delete(location.Location("s3", store.get_store_location_class(), CONF, backend=name, store_specs=specs))
        LOG.info("Removed image %s in store %s, which no import has.", image_id, name or "(default)")
    else:
        LOG.warning("A part of image %s may have stayed in store %s (%s): look, and remove it there.",
                    image_id, name or "(default)", schemes[0])


def _discard(image_id, store, import_id):
    # By another name, as long as it is not whole, and only the sidecar knows by which.
    for source_id in filter(None, (import_id, image_id)):
        try:
            if isinstance(store, WrittenStore):
                store.write_of(source_id, image_id).discard()
        except SidecarError as failure:
            if failure.down:
                raise
            LOG.warning("What the sidecar wrote of image %s could not be discarded: %s", image_id, failure.message)


def _directories(store):
    if not getattr(store, "multiple_datadirs", False):
        return [store.datadir]
    return [directory for directories in store.priority_data_map.values() for directory in directories]
