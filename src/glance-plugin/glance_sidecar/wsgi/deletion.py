"""DELETE /v2/images/{id}."""

from glance_sidecar import database
from glance_sidecar.repair import pending
from glance_sidecar.wsgi import again
from glance_sidecar.wsgi import ending


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
        return again.ask(self._app, self._request)

    def _is_gone(self, answer):
        # 404 is also what Glance says about an image that is another project's.
        return answer.status_int == 404 and database.find_image(self._image_id) is None
