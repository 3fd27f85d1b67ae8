"""One import: what the plugin does with the sidecar, and with the image in Glance's database."""

import os
import uuid

from oslo_config import cfg
from oslo_log import log as logging

from glance_sidecar import operators
from glance_sidecar import options
from glance_sidecar import volume
from glance_sidecar.imports import certificates
from glance_sidecar.imports import rules
from glance_sidecar.imports import signatures
from glance_sidecar.imports.attempt import Attempt
from glance_sidecar.imports.failures import ImportFailed
from glance_sidecar.imports.progress import TaskProgress
from glance_sidecar.repair import records
from glance_sidecar.rpc import client
from glance_sidecar.rpc.errors import CONTENT_REASONS, SIGNATURE_REASONS, SidecarError
from glance_sidecar.stores import swapping
from glance_sidecar.stores.ahead import Ahead
from glance_sidecar.stores.outputs import Output
from glance_sidecar.stores.refusal import Unsupported
from glance_sidecar.uploads import intake

LOG = logging.getLogger(__name__)

# Names the parameters of an import, so that the same import is found again.
_NAMESPACE = uuid.UUID("5f0b7a35-7f4c-4d0e-9f3d-0f1c1d6b4a51")

_AGAIN = "The image was not imported (%s): %s Its bytes are still staged; import it again."
_WRONG_PROPERTIES = ("The image was not imported (%s): %s Its bytes are still staged: set its img_signature properties right, and "
                     "import it again.")


class ImportRun:
    """From the staged image to the file that Glance stores."""

    def __init__(self, running, action_wrapper, context, method, stores=None):
        self.live = running
        self.action_wrapper = action_wrapper
        self.method = method
        # Of the image as it was before: disk_format, container_format, properties, size of the staged bytes.
        self.before = {}
        self._stores = stores
        self._writes_ahead = True
        self._context = context
        self._roles = list(getattr(context, "roles", None) or [])
        self._request_id = getattr(context, "request_id", None) or ""

    def execute(self, file_path):
        """Returns the URL of the file to store. Raises ImportFailed, with a text for the user."""
        try:
            return self._execute(file_path)
        except SidecarError as failure:
            raise self._explain(failure) from failure

    def _execute(self, file_path):
        image = self.live.image_repo.get(self.live.image_id)
        algorithm = image.os_hash_algo or cfg.CONF.hashing_algorithm
        fault = swapping.find_fault(self._stores, algorithm)
        if fault:
            raise ImportFailed(_AGAIN % ("DIRECT_IMPOSSIBLE", fault + " [staging_sidecar] direct = require rules that out."))
        staged = self._staged(file_path)
        self._remember(image, staged)
        digests = swapping.algorithms(self._stores, algorithm)
        ahead = swapping.writers(self._stores, algorithm) if self._writes_ahead else []
        request = self._compose(image, staged, digests, ahead)
        records.update("import", self.live.image_id, task_id=self.live.task_id, import_id=self.live.import_id,
                       before=self.before)
        progress = TaskProgress(self.live.task_repo, self.live.task_id)
        done = Attempt(self.live.import_id, request, progress).run()
        self._check_verified(request, done)
        if ahead and self._can_go_ahead(done.result):
            return self._store_ahead(done, ahead, algorithm, progress, file_path)
        if ahead and not self._is_here(done.result):
            done = Attempt(self.live.import_id, dict(request, output_placement="BRING_HERE"), progress).run()
        self._apply(done.result)
        swapping.note_foreign(self._stores)
        self.live.output = Output.of_import(self.live.import_id, done.result)
        return "file://" + volume.from_sidecar(done.result.output_path)

    def _compose(self, image, staged, digests, ahead):
        """The RunImportRequest. The same bytes and wishes have the same id: an import whose result no store took is attached to."""
        request = dict(self._request(image), **self._signature(image.extra_properties))
        if digests:
            request["digests"] = digests
        if ahead:
            request.update(defer_conversion=True, output_placement="STAY_WITH_OWNER")
        committed = "%d.%09d" % (staged.committed_at.seconds, staged.committed_at.nanos)
        name = "%s %s %s %s" % (committed, staged.size, sorted(request.items()), sorted(self._roles))
        self.live.import_id = str(uuid.uuid5(_NAMESPACE, self.live.image_id + " " + name))
        # Where Glance reads the image to store it, it computes digests by the way.
        return dict(request, user_roles=self._roles, request_id=self._request_id, owner_hint=staged.owner, without_digests=not digests)

    def _can_go_ahead(self, result):
        # Glance may want to look into what is not raw, and reads what has a signature.
        is_wanted = result.deferred or not self._is_here(result)
        return is_wanted and result.disk_format == "raw" and not signatures.is_left_to_glance(result)

    @staticmethod
    def _is_here(result):
        # A file of an image, or of an import, has a name that is on no other volume.
        path = volume.from_sidecar(result.output_path)
        return path.startswith(volume.staging_directory() + "/") and os.path.exists(path)

    def _store_ahead(self, done, stores, algorithm, progress, file_path):
        self.live.ahead = ahead = Ahead(self.live.image_id, self.live.import_id, done.result.size, stores)
        try:
            digests = ahead.write(("md5", algorithm), progress.tell)
        except Unsupported as reason:
            if options.settings().direct == "require":
                raise ImportFailed(_AGAIN % ("DIRECT_IMPOSSIBLE", "%s, and [staging_sidecar] direct = require." % reason)) from reason
            LOG.info("Image %s is converted to a file first, as %s.", self.live.image_id, reason)
            self._release(done)
            self.live.ahead, self._writes_ahead = None, False
            return self._execute(file_path)
        LOG.info("The sidecar wrote image %s to its stores, with no file of it.", self.live.image_id)
        self._apply(done.result, checksum=digests["md5"], os_hash_algo=algorithm, os_hash_value=digests[algorithm])
        self.live.output = Output(self.live.import_id, ahead.path, digests, done.result.disk_format, is_stub=True)
        return "file://" + ahead.path

    @staticmethod
    def _release(done):
        try:
            client.get().call("Imports.ReleaseImport", timeout=client.DELETE_TIMEOUT, import_id=done.import_id, keep_image=True,
                              owner_hint=done.owner)
        except SidecarError as failure:
            # Its pod was drained: the image is with another one now, and the import is with nobody.
            if not failure.not_found:
                raise

    def _staged(self, file_path):
        patience = options.settings().wait
        try:
            return client.get().call("Staging.GetImage", patience=patience, image_id=self.live.image_id)
        except SidecarError as failure:
            path = file_path[len("file://"):]
            if not failure.not_found or not os.path.isfile(path):
                raise
        # Written by Glance itself: in single-store mode, or while the sidecar was down.
        LOG.info("Image %s was staged without the sidecar, which takes it over now.", self.live.image_id)
        return intake.adopt(self.live.image_id, path, os.path.getsize(path), patience=patience)

    def _remember(self, image, staged):
        self.before = {
            "disk_format": image.disk_format, "container_format": image.container_format,
            "properties": dict(image.extra_properties), "size": staged.size,
            "digests": {name: getattr(image, name) for name in ("checksum", "os_hash_algo", "os_hash_value")}}

    def _request(self, image):
        settings = options.settings()
        return {
            "image_id": self.live.image_id,
            "stages": list(settings.stages),
            "disk_format": image.disk_format or "",
            "container_format": image.container_format or "",
            "output_disk_format": settings.output_format,
            "output_placement": "BRING_HERE",
            "rules": rules.of_import(),
        }

    def _signature(self, properties):
        if not signatures.is_signed(properties):
            return {}
        fault = signatures.find_fault(properties)
        if fault:
            raise ImportFailed(_WRONG_PROPERTIES % ("SIGNATURE_MALFORMED", fault))
        try:
            certificate = certificates.fetch(self._context, properties[signatures.CERTIFICATE])
        except certificates.CertificateUnavailable as failure:
            raise ImportFailed(_AGAIN % ("CERTIFICATE_UNAVAILABLE", failure)) from failure
        return {"signature": signatures.to_request(properties, certificate)}

    def _check_verified(self, request, done):
        if "signature" not in request or signatures.is_verified(done.result):
            return
        # In the middle of an upgrade. Its result must not be attached to when that pod, too, can verify.
        self._release(done)
        raise ImportFailed("The image is signed, and the sidecar of pod %s is too old to verify it. Its bytes are still staged; "
                           "import it again when that pod is upgraded." % done.owner)

    def _apply(self, result, **digests):
        outdated = signatures.outdated(result)
        # Short, since leaving it saves all of the image: what users changed meanwhile would be lost.
        with self.action_wrapper as action:
            action.set_image_attribute(
                disk_format=result.disk_format, container_format=result.container_format or "bare",
                size=result.size, virtual_size=result.virtual_size or None)
            # What Glance would make of other bytes than these differs from them, and is refused by it.
            operators.set_digests(action, digests)
            operators.remove_properties(action, outdated)
            operators.set_properties(action, dict(result.properties))
        self.before["set"] = sorted(outdated.union(result.properties))

    def _explain(self, failure):
        if failure.not_found or failure.reason == "IMAGE_GONE":
            return ImportFailed("The staged bytes of the image are gone: stage it again.", content_refused=True)
        if failure.reason in CONTENT_REASONS:
            return ImportFailed("The image was refused (%s): %s Create it again, or stage other bytes."
                                % (failure.reason, failure.message), content_refused=True)
        if failure.reason in SIGNATURE_REASONS:
            return ImportFailed(_WRONG_PROPERTIES % (failure.reason, failure.message))
        if failure.down:
            return ImportFailed("The staging sidecar of this pod did not answer for %d s: import the image again later."
                                % options.settings().wait)
        return ImportFailed(_AGAIN % (failure.reason or failure.code.name, failure.message))
