"""DELETE /v2/images/{id}."""

import time

from oslo_log import log as logging

from glance_sidecar import database
from glance_sidecar import pending
from glance_sidecar.wsgi import ending

LOG = logging.getLogger(__name__)

# Seconds before the second and the third attempt.
_PAUSES = (0.2, 1.0)


class Deletion:
    """Glance decides and deletes first; then the staged bytes go, on whichever pod they are."""

    def __init__(self, app, request, image_id):
        self._app = app
        self._request = request
        self._image_id = image_id

    def respond(self):
        answer = self._delete()
        if 200 <= answer.status_int < 300 or self._is_gone(answer):
            pending.delete_image(self._image_id)
        return answer

    def _delete(self):
        ending.wait_for(self._image_id)
        # Glance answers 500 when an import drops its lock, which is a property of the image, while the image's properties
        # are being deleted. Nothing is deleted then, and a moment later it can be.
        for pause in _PAUSES:
            answer = self._attempt()
            if answer.status_int != 500:
                return answer
            LOG.info("Glance could not delete image %s; it is asked again.", self._image_id)
            time.sleep(pause)
        return self._attempt()

    def _attempt(self):
        return self._request.copy().get_response(self._app)

    def _is_gone(self, answer):
        # 404 is also what Glance says about an image that is another project's.
        return answer.status_int == 404 and database.find_image(self._image_id) is None
