"""The staging store: what Glance stages or downloads becomes a staged image of the sidecar."""

import os
import re

from glance_store._drivers import filesystem
from oslo_log import log as logging

from glance_sidecar import options
from glance_sidecar import refusals
from glance_sidecar import volume
from glance_sidecar.imports import live
from glance_sidecar.imports import wishes
from glance_sidecar.imports.failures import ImportFailed
from glance_sidecar.repair import pending
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.stores import ahead
from glance_sidecar.stores import writing
from glance_sidecar.uploads import expectations
from glance_sidecar.uploads import fetching
from glance_sidecar.uploads import waiting
from glance_sidecar.uploads.download import DownloadProgress
from glance_sidecar.uploads.intake import Intake, STEP
from glance_sidecar.uploads.reservation import Reservation

LOG = logging.getLogger(__name__)

# glance_store looks for the location class in the module of the driver.
StoreLocation = filesystem.StoreLocation

_OUTPUT = re.compile(r"/\.sidecar/(?:imports|outputs)/([0-9a-f-]{36})/")
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


class Store(filesystem.Store):
    """Glance's file store for the staging directory, except that the sidecar takes the bytes and removes them."""

    @classmethod
    def taking_over(cls, configured):
        """A store with the settings of one that glance_store has configured."""
        store = cls.__new__(cls)
        store.__dict__.update(configured.__dict__)
        return store

    def add(self, image_id, image_file, image_size, *args, **kwargs):
        """
        Stages image_file. Returns (URL, bytes, None, metadata): Glance does not use the checksum of staged bytes, so
        none is computed. Within a stage request refusals are HTTP errors, within a task ImportFailed.
        """
        expected = expectations.find(image_id)
        if expected is not None:
            size = self._add_expected(expected, image_file)
        else:
            size = self._add_for_task(image_id, image_file, image_size or None)
        if size is None:
            return super().add(image_id, image_file, image_size, *args, **kwargs)
        metadata = {"store": self.backend_group} if self.backend_group else {}
        return "file://" + volume.staged_file(image_id), size, None, metadata

    def delete(self, location, context=None):
        """
        Removes a staged image with all that was made of it. Glance calls this with the output of an import too, at its
        end, when an exception would undo the import of an image that is active; so a sidecar that is away is not an
        error.
        """
        path = os.path.abspath(location.store_location.path)
        output = _OUTPUT.search(path)
        if output:
            self._delete_output(output.group(1), path)
        elif ahead.import_of(path):
            self._delete_output(ahead.import_of(path), path)
        elif os.path.dirname(path) == volume.staging_directory() and _UUID.match(os.path.basename(path)):
            self._delete_image(os.path.basename(path), path)
        else:
            super().delete(location, context=context)

    def _add_expected(self, expected, image_file):
        if expected.reservation is None:
            return None  # the filter found the sidecar down, and that Glance may go on alone
        claims = dict(expected.claim, project_id=expected.project_id)
        try:
            if expected.ticket:
                size = waiting.receive(expected, claims)
            else:
                size = self._take_in(expected.image_id, image_file, expected.declared, expected.reservation, claims)
            expected.staged = True
            return size
        except SidecarError as refusal:
            raise refusals.to_http(refusal, "The image was not staged") from refusal

    def _add_for_task(self, image_id, image_file, declared):
        progress = DownloadProgress(image_id)
        try:
            size = fetching.fetch(image_id, image_file, progress)
            if size is not None:
                return size
            with Reservation(image_id, declared or STEP) as reservation:
                return self._take_in(image_id, image_file, declared, reservation, {}, progress.tell)
        except SidecarError as refusal:
            if refusal.down and options.settings().when_down == "fallback" and progress.bytes == 0:
                LOG.warning("Image %s is downloaded without the sidecar, which is down: %s", image_id, refusal.message)
                return None
            raise ImportFailed(
                "The image could not be put into the staging area: %s Import it again later." % refusal.message
            ) from refusal

    @staticmethod
    def _take_in(image_id, image_file, declared, reservation, claims, on_step=lambda written: None):
        settings = options.settings()
        claims = dict(claims, digests=wishes.of_image(image_id))
        intake = Intake(image_id, declared, reservation, claims, settings.wait, on_step)
        return intake.through_call(image_file) if settings.transfer == "stream" else intake.through_file(image_file)

    @staticmethod
    def _delete_output(import_id, path):
        running = live.of_import(import_id)
        _confirm(running)
        if running is None:
            pending.release_import(import_id, fallback_file=path)
        elif not _is_still_needed(running):
            pending.delete_image(running.image_id, fallback_file=path)

    @staticmethod
    def _delete_image(image_id, path):
        running = live.of_image(image_id)
        _confirm(running)
        if running is None or not _is_still_needed(running):
            pending.delete_image(image_id, fallback_file=path)


def _confirm(running):
    # Glance removes what was staged at the end of an import, when the image has its locations.
    if running is None:
        return
    stored = running.stored if running.has_data() else []
    for source_id, store in stored:
        writing.confirm(source_id, running.image_id, store)
    if running.ahead is not None:
        running.ahead.discard(but=[store for _, store in stored])


def _is_still_needed(running):
    if running.has_data():
        return False
    # All stores were allowed to fail, and did: kept, so that it can be imported again without another upload.
    LOG.warning("Image %s was not stored anywhere; its staged bytes are kept.", running.image_id)
    return True
