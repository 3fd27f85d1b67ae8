"""The file store: a hard link where image and staging area share a volume, else a copy that the kernel makes."""

import errno
import os

from glance_store import exceptions
from glance_store._drivers import filesystem
from oslo_log import log as logging

from glance_sidecar.stores import placing
from glance_sidecar.stores.direct import DirectStore

LOG = logging.getLogger(__name__)

# glance_store looks for the location class in the module of the driver.
StoreLocation = filesystem.StoreLocation

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Store(DirectStore, filesystem.Store):
    """Glance's file store."""

    def _place(self, image_id, output, file, algorithms, tell):
        directory = self._find_best_datadir(output.size)
        target = os.path.join(directory, str(image_id))
        try:
            how = placing.place(file, output.path, target, self._mode(), tell)
        except FileExistsError as failure:
            raise exceptions.Duplicate(image=target) from failure
        except OSError as failure:
            if failure.errno in _FULL:
                raise exceptions.StorageFull() from failure
            if failure.errno in _DENIED:
                raise exceptions.StorageWriteDenied() from failure
            raise
        LOG.info("Image %s of %d bytes is at %s, by a %s.", image_id, output.size, target, how)
        metadata = dict(self._get_metadata(target))
        if self.backend_group:
            metadata["store"] = self.backend_group
        return "file://" + target, metadata, output.digests

    def _mode(self):
        configured = self._setting("filesystem_store_file_perm")
        return placing.Mode(int(str(configured), 8), True) if configured > 0 else placing.Mode.of_new_files()
