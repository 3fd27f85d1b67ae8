"""Copies a file to another file system: shared blocks where it can, by the kernel where it may, and holes as holes."""

import errno
import fcntl
import os

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_FICLONE = 0x40049409
# Between two signs of life.
_STEP = 64 * 1024 * 1024
_BLOCK = 4 * 1024 * 1024


def copy(file, path, mode, tell):
    """
    Makes the file at path, durable, with the bytes of an open one. Returns how it was done. Raises OSError, and what tell raises;
    what is there of the copy then is the caller's to remove.
    """
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        how = "reflink" if _reflink(file, target) else _copy(file, target, tell)
        if not mode.give(target):
            LOG.warning("The permissions of %s stay as they are.", path)
        os.fsync(target)
    finally:
        os.close(target)
    return how


def unlink(path):
    """Removes a file if there is one."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _reflink(file, target):
    try:
        fcntl.ioctl(target, _FICLONE, file)
    except OSError:
        return False  # for whatever reason; what matters shows in the copy
    return True


def _copy(file, target, tell):
    size = os.fstat(file).st_size
    os.ftruncate(target, size)
    step = _by_kernel
    done = 0
    for offset, end in _extents(file, size):
        while offset < end:
            count = step(file, target, offset, min(end - offset, _STEP))
            if count == 0:
                step = _by_blocks  # the kernel does not copy between these two
                continue
            offset += count
            done += count
            tell(done)
    return "copy of the kernel" if step is _by_kernel else "copy"


def _extents(file, size):
    """The parts of a file that are no holes, as pairs of beginning and end."""
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as failure:
            if failure.errno == errno.ENXIO:
                return  # a hole to the end
            if failure.errno != errno.EINVAL:
                raise
            yield end, size  # of a file system that does not tell
            return
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def _by_kernel(file, target, offset, count):
    try:
        return os.copy_file_range(file, target, count, offset, offset)
    except OSError as failure:
        if failure.errno in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def _by_blocks(file, target, offset, count):
    block = os.pread(file, min(count, _BLOCK), offset)
    if not block:
        raise OSError(errno.EIO, "the file ends at %d, before its end" % offset)
    view = memoryview(block)
    while view:
        written = os.pwrite(target, view, offset + len(block) - len(view))
        view = view[written:]
    return len(block)
