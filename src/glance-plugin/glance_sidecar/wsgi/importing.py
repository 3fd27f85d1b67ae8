"""POST /v2/images/{id}/import."""

import json
import os

from oslo_log import log as logging
import webob.exc

from glance_sidecar import database
from glance_sidecar import options
from glance_sidecar import refusals
from glance_sidecar import volume
from glance_sidecar.imports import signatures
from glance_sidecar.repair import records
from glance_sidecar.rpc import client
from glance_sidecar.rpc import messages
from glance_sidecar.rpc.errors import SidecarError
from glance_sidecar.uploads import intake
from glance_sidecar.wsgi import again
from glance_sidecar.wsgi import ending
from glance_sidecar.wsgi import forward
from glance_sidecar.wsgi import image as images
from glance_sidecar.wsgi import source
from glance_sidecar.wsgi.reserved import refuse_reserved_store

LOG = logging.getLogger(__name__)

# An import request names a method and some stores.
_MOST_BODY = 1024 * 1024
_REFUSED = "The image cannot be imported"


class ImportRequest:
    """One import request: it is let through to Glance, here or on the owner's pod, when it can succeed."""

    def __init__(self, app, request, image_id, plugin_fault):
        self._app = app
        self._request = request
        self._image_id = image_id
        self._plugin_fault = plugin_fault

    def respond(self):
        body = self._read_body()
        if body is None:
            return self._app  # Glance itself says what is wrong with it
        refuse_reserved_store(self._request, body)
        ending.wait_for(self._image_id)
        method = body["method"]["name"]
        image = images.show(self._app, self._request, self._image_id)
        if image is None or not images.may_modify(self._request, self._image_id):
            # copy-image has a policy of its own, which lets others than the owner copy.
            return self._run(image, method, body) if image is not None and method == "copy-image" else self._app
        if method != "copy-image" and self._plugin_fault:
            raise refusals.unavailable("%s: %s" % (_REFUSED, self._plugin_fault))
        if method != "copy-image":
            self._check_signature(image)
        owner = self._find(image, method)
        if owner is not None and forward.wanted(self._request, owner):
            return forward.send(self._request, owner)
        return self._run(image, method, body)

    def _read_body(self):
        content = source.read_small(self._request, _MOST_BODY)
        try:
            body = json.loads(content)
            return body if isinstance(body["method"]["name"], str) else None
        except (ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def _check_signature(image):
        fault = signatures.find_fault(image)
        if fault:
            raise webob.exc.HTTPBadRequest(explanation="%s: %s" % (_REFUSED, fault))

    def _find(self, image, method):
        """The pod that has the staged bytes; None where that does not matter. Refuses an import that cannot succeed."""
        try:
            if method == "glance-direct" and image["status"] == "uploading":
                return self._find_staged(image)
            if method != "glance-direct":
                self._check_space()
            return None
        except SidecarError as failure:
            if failure.down and options.settings().when_down == "fallback":
                LOG.warning("Image %s is imported as soon as the sidecar is back: %s", self._image_id, failure.message)
                return None
            raise refusals.to_http(failure, _REFUSED) from failure

    def _find_staged(self, image):
        if image.get("size") is None:
            self._refuse_running_upload()
        try:
            return client.get().call("Staging.GetImage", image_id=self._image_id).owner
        except SidecarError as failure:
            if not failure.not_found:
                raise
            asked = failure.facts.get("peers_asked")
        self._refuse_running_upload()
        path = volume.staged_file(self._image_id)
        if image.get("size") and os.path.isfile(path) and os.path.getsize(path) == image["size"]:
            # Written to its end by Glance alone, while the sidecar was down.
            return intake.adopt(self._image_id, path, image["size"]).owner
        images.back_to_queued(self._image_id)
        pods = int(asked) + 1 if asked and asked.isdigit() else 1
        raise webob.exc.HTTPConflict(
            explanation="No staged bytes of image %s exist on any of the %d pods: stage it again."
                        % (self._image_id, pods))

    def _refuse_running_upload(self):
        try:
            upload = client.get().call("Staging.GetUpload", image_id=self._image_id)
        except SidecarError as failure:
            if failure.not_found:
                return
            raise
        if upload.state in (messages.Upload.RECEIVING, messages.Upload.RESERVED):
            raise webob.exc.HTTPConflict(
                explanation="Image %s is still being uploaded: import it when that has ended." % self._image_id)

    @staticmethod
    def _check_space():
        capacity = client.get().call("Staging.GetCapacity")
        if not capacity.accepts_uploads:
            raise refusals.unavailable(
                "%s: the staging area of this pod takes nothing new (%s). Try again later."
                % (_REFUSED, capacity.refusal or "LOW_SPACE"))

    def _run(self, image, method, body):
        context = images.context_of(self._request)
        # Before Glance starts the task: should this process die, another one finds out by this what became of it.
        records.put("import", self._image_id, method=method, request_id=getattr(context, "request_id", None),
                    stores=body.get("stores"))
        answer = None
        try:
            # Imports that begin at the same time deadlock where Glance takes their locks, which it answers with 500.
            answer = again.ask(self._app, self._request, lambda: self._is_untouched(image))
            return answer
        finally:
            if answer is None or answer.status_int != 202:
                records.remove("import", self._image_id)
            else:
                self._note_task()

    def _is_untouched(self, before):
        image = database.find_image(self._image_id)
        return (image is not None and image.status == before["status"]
                and database.LOCK not in image.extra_properties)

    def _note_task(self):
        record = records.get("import", self._image_id)
        if record is None or record.get("task_id"):
            return
        image = database.find_image(self._image_id)
        task_id = image.extra_properties.get(database.LOCK) if image is not None else None
        if task_id:
            records.update("import", self._image_id, task_id=task_id)
