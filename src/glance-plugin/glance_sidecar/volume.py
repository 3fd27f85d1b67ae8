"""The staging volume: the paths on it, as this process and as the sidecar see them."""

import os
import threading

from oslo_config import cfg

from glance_sidecar import options
from glance_sidecar.rpc import client

CONF = cfg.CONF
STAGING_STORE = "os_glance_staging_store"

_lock = threading.Lock()
_sidecar_directory = {}


def multi_store():
    """Whether Glance is configured with enabled_backends; else it builds its staging store at each use by itself."""
    return bool(getattr(CONF, "enabled_backends", None))


def staging_directory():
    """Glance's staging directory, absolute, without a slash at its end."""
    if multi_store():
        directory = getattr(CONF, STAGING_STORE).filesystem_store_datadir
    else:
        directory = CONF.node_staging_uri[len("file://"):]
    return os.path.abspath(directory)


def staged_file(image_id):
    return os.path.join(staging_directory(), image_id)


def state_directory(*names):
    """A directory of this package's own, created when missing, in which the sidecar's user may move files too."""
    directory = options.settings().state_dir or os.path.join(staging_directory(), ".glance")
    for name in ("",) + names:
        directory = os.path.join(directory, name) if name else directory
        if not os.path.isdir(directory):
            os.makedirs(directory, exist_ok=True)
            try:
                os.chmod(directory, 0o2770)
            except PermissionError:
                pass  # made by another process of the group in the meantime
    return directory


def to_sidecar(path):
    """A path on the volume as the sidecar sees it; the volume may be mounted elsewhere in its container."""
    return _translate(path, staging_directory(), sidecar_directory())


def from_sidecar(path):
    """The other way round."""
    return _translate(path, sidecar_directory(), staging_directory())


def sidecar_directory():
    """The staging directory by its path in the sidecar. Raises SidecarError."""
    address = options.settings().address
    with _lock:
        known = _sidecar_directory.get(address)
    if known is None:
        known = client.get().call("Staging.GetCapacity").staging_directory.rstrip("/")
        with _lock:
            _sidecar_directory[address] = known
    return known


def _translate(path, source, target):
    if path == source or path.startswith(source + "/"):
        return target + path[len(source):]
    return path
