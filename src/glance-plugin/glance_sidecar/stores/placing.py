"""
Gives the bytes of an open file a name in a store's directory, all at once: they are made ready under the name of a part, which
becomes the image's by link(2), as that never replaces another file. Whatever a killed process leaves has one of these two names.
"""

import errno
import os
import stat

from glance_sidecar.stores import copying
from glance_sidecar.stores.copying import unlink

# Another file system or mount, a user who may not link the file of another (fs.protected_hardlinks), a full count of names, or a
# file system without hard links.
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


class Mode:
    """Permissions of the image's file. is_exact: those are configured, and no others will do."""

    def __init__(self, bits, is_exact):
        self.bits = bits
        self.is_exact = is_exact

    @classmethod
    def of_new_files(cls):
        """As of a file that this process makes."""
        with open("/proc/self/status") as status:
            umask = next(line.split()[1] for line in status if line.startswith("Umask:"))
        return cls(0o666 & ~int(umask, 8), False)

    def give(self, file):
        """Gives an open file these permissions; False when it cannot have them."""
        if self.is_of(file):
            return True
        try:
            os.fchmod(file, self.bits)
            return True
        except OSError:
            # Of another user, who may have given the group what it needs.
            return not self.is_exact and not self.bits & ~stat.S_IMODE(os.fstat(file).st_mode)

    def is_of(self, file):
        """Whether an open file has just these."""
        return stat.S_IMODE(os.fstat(file).st_mode) == self.bits


def part_of(target):
    """The name under which the image is made ready."""
    return os.path.join(os.path.dirname(target), ".%s.part" % os.path.basename(target))


def place(file, path, target, mode, tell):
    """
    file: descriptor of the file at path. Returns how it was done. Raises FileExistsError when another file has the name, OSError,
    and what tell raises.
    """
    part = part_of(target)
    unlink(part)
    if _is_named(file, target):
        # By an earlier import that came no further.
        sync_directory(os.path.dirname(target))
        return "hard link"
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    try:
        how = "hard link" if _link(file, path, part, mode) else copying.copy(file, part, mode, tell)
        _publish(part, target)
    finally:
        unlink(part)
    return how


def _is_named(file, target):
    try:
        return os.path.samestat(os.lstat(target), os.fstat(file))
    except FileNotFoundError:
        return False


def _link(file, path, part, mode):
    try:
        os.link(path, part, follow_symlinks=False)
    except OSError as failure:
        if failure.errno in _NO_LINK:
            return False
        raise
    if _is_named(file, part) and _may_have(file, mode):
        os.fsync(file)
        return True
    unlink(part)
    return False


def _may_have(file, mode):
    if mode.is_of(file):
        return True
    status = os.fstat(file)
    # All names of a file have one mode. The sidecar goes on reading it by its own, and may do that as one of the group only; and
    # by a third name, beside that and the part, it is in another store. Of two stores at once the later part sees the earlier.
    if status.st_nlink > 2 or stat.S_IMODE(status.st_mode) & ~mode.bits & stat.S_IRGRP:
        return False
    return mode.give(file)


def _publish(part, target):
    try:
        os.link(part, target, follow_symlinks=False)
    except OSError as failure:
        if failure.errno not in _NO_LINK:
            raise
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from failure
        os.rename(part, target)
    try:
        unlink(part)
        sync_directory(os.path.dirname(target))
    except OSError:
        unlink(target)
        raise


def sync_directory(path):
    """Makes the names in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    except OSError as failure:
        # Some network and FUSE file systems have no such thing.
        if failure.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    finally:
        os.close(directory)
