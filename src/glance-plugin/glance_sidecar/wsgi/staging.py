"""PUT /v2/images/{id}/stage."""

import os

from oslo_log import log as logging
import webob.exc

from glance_sidecar import database
from glance_sidecar import options
from glance_sidecar import refusals
from glance_sidecar import volume
from glance_sidecar.imports import rules
from glance_sidecar.repair import leftovers
from glance_sidecar.repair import pending
from glance_sidecar.repair import records
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.uploads import intake
from glance_sidecar.uploads.expectations import Expectation
from glance_sidecar.uploads.intake import STEP
from glance_sidecar.uploads.reservation import Reservation
from glance_sidecar.wsgi import ending
from glance_sidecar.wsgi import image as images
from glance_sidecar.wsgi import source
from glance_sidecar.wsgi import ticket
from glance_sidecar.wsgi.body import UploadBody

LOG = logging.getLogger(__name__)

_REFUSED = "The image cannot be staged"
# Not 503: trying again changes nothing.
_SINGLE_STORE = (
    "The image cannot be staged through the sidecar's ingest: this Glance is in single-store mode, in which it makes a store of its own "
    "for each upload, and that one cannot ask the sidecar for the bytes. Its operator has to set [DEFAULT] enabled_backends, or to have "
    "uploads go to glance-api itself.")


class StageRequest:
    """One upload. Space is reserved and the first bytes are checked before Glance hears of it."""

    def __init__(self, app, request, image_id):
        self._app = app
        self._request = request
        self._image_id = image_id
        self._body = None
        self._ticket = None

    def respond(self):
        if self._request.content_type != "application/octet-stream":
            return self._app  # Glance itself refuses it
        self._ticket = ticket.take(self._request, self._image_id)
        ending.wait_for(self._image_id)
        image = images.show(self._app, self._request, self._image_id)
        if image is None or image["status"] not in ("queued", "uploading"):
            return self._app
        if not images.may_modify(self._request, self._image_id):
            return self._app  # likewise
        if self._ticket and not volume.multi_store():
            # Its own template would put the blame on the method.
            return webob.exc.HTTPNotImplemented(detail=_SINGLE_STORE, body_template="${detail}")
        declared = self._declared_size()
        self._body = self._request.environ["wsgi.input"] if self._ticket else UploadBody(source.of(self._request), declared)
        try:
            return self._stage(image, declared)
        except webob.exc.HTTPException as refusal:
            self._body.drain()
            return refusal

    def _stage(self, image, declared):
        try:
            self._make_room(image)
            # Half a reservation protects nobody, so without a declared size the first step is asked for.
            reservation = Reservation(self._image_id, self._needed(declared), image.get("owner"))
        except SidecarError as failure:
            if not failure.down or options.settings().when_down != "fallback" or self._ticket:
                raise refusals.to_http(failure, _REFUSED) from failure
            LOG.warning("Image %s is staged without the sidecar: %s", self._image_id, failure.message)
            reservation = None
        claim = rules.of_upload(image.get("disk_format") or "", image.get("container_format") or "")
        expected = Expectation(self._image_id, declared, claim, image.get("owner") or "", reservation, self._ticket)
        with expected:
            if reservation is not None and not self._ticket:  # else the daemon looks at the bytes as they come
                self._inspect(claim)
            return self._receive(expected)

    def _make_room(self, image):
        """Removes what is left of earlier uploads; refuses when another one is under way."""
        try:
            upload = client.get().call("Staging.GetUpload", image_id=self._image_id)
            if upload.state in (messages.Upload.RECEIVING, messages.Upload.RESERVED):
                raise webob.exc.HTTPConflict(
                    explanation="Image %s is being uploaded by another request, on %s: wait for its end."
                                % (self._image_id, upload.owner or "another pod"))
            if self._goes_on and self._ticket.elsewhere:
                raise refusals.unavailable(
                    "The upload of image %s cannot go on here: what arrived of it is on pod %s, and this request came to another one. "
                    "Send the rest again until it comes there, or send the whole image." % (self._image_id, upload.owner))
        except SidecarError as failure:
            # Of two uploads of a queued image Glance's database lets one begin; a pod that is away need not be asked.
            unknown = failure.reason == "LOCATE_INCOMPLETE" and image["status"] == "queued"
            if not failure.not_found and not unknown:
                raise
        if image["status"] == "uploading":
            LOG.info("The earlier upload of image %s was left unfinished or is replaced.", self._image_id)
            images.back_to_queued(self._image_id)
        if not self._goes_on:
            pending.remove_image(self._image_id)

    @property
    def _goes_on(self):
        return self._ticket is not None and self._ticket.resume_offset is not None

    def _needed(self, declared):
        if declared is None:
            return STEP
        return max(0, declared - self._ticket.resume_offset) if self._goes_on else declared

    def _inspect(self, claim):
        prefix, complete = self._body.read_prefix()
        try:
            client.get().call("Imports.Inspect", data=prefix, complete=complete, **claim)
        except SidecarError as failure:
            raise refusals.to_http(failure, "The image was refused") from failure

    def _receive(self, expected):
        records.put("stage", self._image_id)
        try:
            self._request.environ["wsgi.input"] = self._body
            # webob remembers this of the body that was there before.
            self._request.environ.pop("webob.is_body_seekable", None)
            answer = self._request.get_response(self._app)
            if answer.status_int == 204:
                self._after(expected)
                return answer
            if expected.staged:
                # Glance failed after the last byte, and took the image back to queued.
                pending.delete_image(self._image_id)
            self._body.drain()
            return answer
        finally:
            records.remove("stage", self._image_id)

    def _after(self, expected):
        # Glance asks that URL itself, and answers 500 when its pod is gone; the sidecars find each other.
        database.drop_property(self._image_id, database.STAGE_HOST)
        path = volume.staged_file(self._image_id)
        if volume.multi_store() or expected.reservation is None or not os.path.isfile(path):
            return
        # In single-store mode Glance wrote the file by itself.
        try:
            intake.adopt(
                self._image_id, path, os.path.getsize(path), expected.reservation,
                dict(expected.claim, project_id=expected.project_id), options.settings().wait)
        except SidecarError as failure:
            leftovers.unlink(path)
            database.to_queued(self._image_id, "uploading")
            raise refusals.to_http(failure, "The image was not staged") from failure

    def _declared_size(self):
        header = self._request.headers.get("X-Openstack-Image-Size")
        length = self._request.content_length
        if header is None:
            return length
        if not header.strip().isdigit():
            raise webob.exc.HTTPBadRequest(
                explanation="X-Openstack-Image-Size is '%s': give the image's size in bytes, or leave it out." % header)
        if length is not None and length != int(header):
            raise webob.exc.HTTPBadRequest(
                explanation="X-Openstack-Image-Size says %s bytes and Content-Length %d: they must be equal."
                            % (header, length))
        return int(header)
