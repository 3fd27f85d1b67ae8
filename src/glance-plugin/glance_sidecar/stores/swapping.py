"""Puts our drivers in place of those that Glance configured, and says of which stores that can be said."""

from glance_store import location
from glance_store._drivers import filesystem
from glance_store._drivers import rbd as rbd_driver
from oslo_config import cfg
from oslo_log import log as logging
from stevedore import driver as stevedore_driver

from glance_sidecar import options
from glance_sidecar import volume
from glance_sidecar.stores import direct
from glance_sidecar.stores import fallbacks
from glance_sidecar.stores import file
from glance_sidecar.stores import rbd
from glance_sidecar.stores import refusal

try:
    from glance_store._drivers import s3 as s3_driver

    from glance_sidecar.stores import s3
except ImportError:
    s3 = None  # no boto3, without which Glance has no such store either

LOG = logging.getLogger(__name__)
CONF = cfg.CONF

# Glance's own stores, which no import has as its target.
_RESERVED = "os_glance_"
# glance_store makes drivers that are not reusable anew at each use, by an entry point: it has to be that of ours.
_OURS = {filesystem.Store: ("sidecar_file", file.Store), rbd_driver.Store: ("sidecar_rbd", rbd.Store)}
if s3 is not None:
    _OURS[s3_driver.Store] = ("sidecar_s3", s3.Store)

# Stores of which it was said that Glance writes them.
_said = set()


def ensure():
    """After this all stores that can be are ours. May be called at every request."""
    if options.settings().direct == "off":
        return
    for name, entry in _configured().items():
        _take_over(name, entry)


def algorithms(stores, hashing_algorithm):
    """
    The digests that storing an image without reading it needs beforehand; none when no store of the import could do with them.
    stores: as a plugin is told them.
    """
    return _algorithms([name for name in _resolve(stores) if _needs_digests(name)], hashing_algorithm)


def algorithms_of_any(hashing_algorithm):
    """The digests that are best made beforehand, for whatever stores an import will have."""
    return _algorithms([name for name in _configured() if not _is_foreign(name)], hashing_algorithm)


def _algorithms(names, hashing_algorithm):
    return sorted({"md5", hashing_algorithm}) if names and _are_ours_to_make(hashing_algorithm) else []


def _are_ours_to_make(hashing_algorithm):
    return options.settings().direct != "off" and hashing_algorithm in direct.ALGORITHMS


def writers(stores, hashing_algorithm):
    """The stores of an import, when the sidecar writes to all of them and need not have the image as a file for that; else none."""
    if not _are_ours_to_make(hashing_algorithm):
        return []
    names = _resolve(stores)
    ours = [_configured()[name]["store"] for name in names if not _is_foreign(name)]
    return ours if len(ours) == len(names) and all(store.can_write_ahead() for store in ours) else []


def find_fault(stores, hashing_algorithm):
    """What an operator who wants nothing else would refuse the import for, as a sentence; None when there is nothing."""
    if options.settings().direct != "require":
        return None
    if hashing_algorithm not in direct.ALGORITHMS:
        return "The image's hashing_algorithm is %s; the sidecar has %s." % (hashing_algorithm, ", ".join(direct.ALGORITHMS))
    foreign = [str(name or CONF.glance_store.default_store) for name in _resolve(stores) if _is_foreign(name)]
    return "Only Glance itself writes to the stores: %s." % ", ".join(foreign) if foreign else None


def note_foreign(stores):
    """Counts those stores of an import that only Glance writes to."""
    if options.settings().direct == "off":
        return
    for name in _resolve(stores):
        if _is_foreign(name):
            entry = _configured().get(name)
            fallbacks.note(entry["store"].get_schemes()[0] if entry else "", refusal.DRIVER)


def _resolve(stores):
    if not volume.multi_store():
        return [None]
    return [name or CONF.glance_store.default_backend for name in stores or [None]]


def _is_foreign(name):
    entry = _configured().get(name)
    return entry is None or not isinstance(entry["store"], direct.DirectStore)


def _needs_digests(name):
    return not _is_foreign(name) and _configured()[name]["store"].needs_digests


def _configured():
    """The stores by id, None standing for the only one, each with its entry in glance_store's map."""
    if not volume.multi_store():
        # The options are there when Glance has made its stores.
        entry = location.SCHEME_TO_CLS_MAP.get(getattr(getattr(CONF, "glance_store", None), "default_store", None))
        return {None: entry} if entry else {}
    return {
        name: entry for entries in list(location.SCHEME_TO_CLS_BACKEND_MAP.values()) for name, entry in list(entries.items())
        if not name.startswith(_RESERVED)}


def _take_over(name, entry):
    configured = entry["store"]
    if isinstance(configured, direct.DirectStore) or name in _said:
        return
    # A driver that somebody derived from one of these may count on its own add().
    point, driver = _OURS.get(type(configured), (None, None))
    if driver is None:
        _said.add(name)
        LOG.info("Store %s is written by Glance itself: the sidecar has no way to a %s.", name or "(default)",
                 type(configured).__module__)
    elif not _can_load(point):
        _said.add(name)
        LOG.warning("Store %s is written by Glance itself: there is no entry point %s. Install the package with pip.",
                    name or "(default)", point)
    else:
        _register(name, point, driver.taking_over(configured))
        LOG.info("Store %s takes images from the staging sidecar without reading them again.", name or "(default)")


def _register(name, point, ours):
    entry = {"store": ours, "location_class": ours.get_store_location_class(), "store_entry": point}
    if name is None:
        location.register_scheme_map({scheme: entry for scheme in ours.get_schemes()})
    else:
        location.register_scheme_backend_map({scheme: {name: entry} for scheme in ours.get_schemes()})


def _can_load(point):
    try:
        stevedore_driver.DriverManager("glance_store.drivers", point, invoke_on_load=False)
    except RuntimeError:
        return False
    return True
