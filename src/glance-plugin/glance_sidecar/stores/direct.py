"""The part of our drivers that is the same for all of them: whether an image can go the short way, and what is asked before."""

import os
import time

from glance_store import capabilities
from glance_store import exceptions
from glance_store import location
from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar.stores import fallbacks
from glance_sidecar.stores.readers import Readers
from glance_sidecar.stores.refusal import DirectRefused, NO_DIGEST, READ_BY_GLANCE, UNKNOWN_BYTES, Unsupported

LOG = logging.getLogger(__name__)

# What the sidecar computes; hashlib has more.
ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_BLOCK = 4 * 1024 * 1024


class DirectStore:
    """Goes before a driver of glance_store in a class. The class has _place, and what follows where that is otherwise."""

    # The digests have to be known before; else they are made on the way.
    needs_digests = True

    # Of the class, as glance_store lists it beside the driver that this takes the place of: every sample of a configuration would
    # have all options twice. An object needs them.
    OPTIONS = None

    def __init__(self, *args, **kwargs):
        self.OPTIONS = super().OPTIONS
        super().__init__(*args, **kwargs)

    @classmethod
    def taking_over(cls, configured):
        """A store with the settings of one that glance_store has configured."""
        store = cls.__new__(cls)
        store.__dict__.update(configured.__dict__)
        # Drivers look at them at each use, from glance_store 5.0 on.
        store.OPTIONS = configured.OPTIONS
        return store

    def add(self, image_id, image_file, image_size, *args, **kwargs):
        """As the driver's own, which it is in all cases but that of an import whose bytes need not be read again."""
        mode = options.settings().direct
        readers = Readers.of(image_file) if mode != "off" else None
        if readers is None or readers.callback is None or not self.is_capable(capabilities.BitMasks.WRITE_ACCESS):
            return super().add(image_id, image_file, image_size, *args, **kwargs)
        try:
            self._check()
            return Transfer(self, image_id, readers, image_size, *args, **kwargs).through()
        except Unsupported as reason:
            if _is_stub(image_id):
                raise exceptions.BackendException("The image cannot be stored as it was prepared, as %s." % reason) from reason
            if mode == "require":
                raise DirectRefused(self.backend_group, reason) from reason
            LOG.info("Glance itself writes image %s to store %s, as %s.", image_id, self.backend_group or "(default)", reason)
            fallbacks.note(self.get_schemes()[0], reason.reason)
            return super().add(image_id, image_file, image_size, *args, **kwargs)

    def can_write_ahead(self):
        """Whether the sidecar writes to this store by itself, without a file that Glance could read."""
        try:
            self._check()
        except Unsupported:
            return False
        return not self.needs_digests and self.is_capable(capabilities.BitMasks.WRITE_ACCESS)

    def _check(self):
        """Raises Unsupported where this store, as it is configured, cannot be written to by the short way."""

    def _place(self, image_id, output, file, algorithms, tell):
        """
        Makes the open file the image. tell: to be called now and then with the bytes that are done; it may raise. Returns URL,
        metadata as the driver's add, and the digests of the algorithms. Raises OSError, or an exception of glance_store; or
        Unsupported, when it turns out that the short way leads nowhere. Nothing of the image is left then.
        """
        raise NotImplementedError

    def _setting(self, name):
        """An option of this store; None where the installed driver has no such option."""
        # From glance_store 5.0 on, one that a store does not set is None there, and that of all stores counts.
        groups = (self.backend_group, "backend_defaults") if self.backend_group else ("glance_store",)
        values = (getattr(getattr(self.conf, group, None), name, None) for group in groups)
        return next((value for value in values if value is not None), None)

    def _take_back(self, image_id, output, url):
        """Removes what was placed, and will not be the image after all."""
        self.delete(location.Location(
            self.get_schemes()[0], self.get_store_location_class(), self.conf, uri=url, backend=self.backend_group))


def _is_stub(image_id):
    # Glance would store zeros.
    from glance_sidecar.imports import live
    running = live.of_image(image_id)
    return running is not None and running.output is not None and running.output.is_stub


class Transfer:
    """One image on the short way. When Unsupported is raised nothing was read of it, and nothing is done."""

    def __init__(self, store, image_id, readers, image_size, hashing_algo=None, context=None, verifier=None, **more):
        # Not above: glance_store loads all drivers to list their options, also in programs that never store anything.
        from glance_sidecar.stores import outputs
        self._store = store
        self._image_id = image_id
        self._readers = readers
        self._verifier = verifier
        if more or not isinstance(hashing_algo, str):
            raise Unsupported(UNKNOWN_BYTES, "it is stored by a call that this package does not know")
        self._output = output = outputs.find(image_id, readers.file)
        if output.is_stub and verifier is not None:
            raise Unsupported(READ_BY_GLANCE, "Glance verifies a signature of it")
        if readers.file.tell() != 0:
            raise Unsupported(UNKNOWN_BYTES, "some of it was read before")
        if image_size and image_size != output.size:
            raise Unsupported(UNKNOWN_BYTES, "%d bytes are announced of %d" % (image_size, output.size))
        self._algorithms = ("md5", hashing_algo)
        for name in self._algorithms:
            if name not in (output.digests if store.needs_digests else ALGORITHMS):
                raise Unsupported(NO_DIGEST, "the sidecar made no %s of it" % name)
        if not readers.can_show(output.disk_format):
            raise Unsupported(READ_BY_GLANCE, "Glance looks into all of it (%s)" % (output.disk_format or "its virtual size is not known"))

    def through(self):
        """What add() returns."""
        output = self._output
        self._readers.check_limits(output.size)
        tell = Heartbeat(self._readers.callback).tell
        tell(0)
        url, metadata, digests = self._store._place(
            self._image_id, output, self._readers.file.fileno(), self._algorithms, tell)
        try:
            self._let_see(tell)
        except BaseException:
            self._store._take_back(self._image_id, output, url)
            raise
        return (url, output.size) + tuple(digests[name] for name in self._algorithms) + (metadata,)

    # Behind the placing: until then Glance's own way, which begins at the beginning, is still open.
    def _let_see(self, tell):
        self._readers.show(self._output.disk_format)
        if self._verifier is not None:
            self._verify(tell)

    def _verify(self, tell):
        # Glance verifies the signature by what it has seen here: all bytes have to pass, but not be written.
        offset = 0
        while offset < self._output.size:
            block = os.pread(self._readers.file.fileno(), _BLOCK, offset)
            if not block:
                raise OSError("%s ended at %d of %d bytes" % (self._output.path, offset, self._output.size))
            self._verifier.update(block)
            offset += len(block)
            tell(0)


class Heartbeat:
    """Tells Glance that the task is alive, and learns from it that nobody wants the image any more."""

    def __init__(self, callback):
        self._callback = callback
        self._last = None
        self._told = 0

    def tell(self, done):
        """done: bytes that the store has so far. Raises what Glance raises for a task that was ended."""
        now = time.monotonic()
        if self._last is not None and now - self._last < options.settings().progress_interval:
            return
        self._last = now
        self._callback(done - self._told, done)
        self._told = done
