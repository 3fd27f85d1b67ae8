"""DELETE /v2/images/{id}."""

from glance_sidecar import database
from glance_sidecar import expectations
from glance_sidecar import pending


class Deletion:
    """Glance decides and deletes first; then the staged bytes go, on whichever pod they are."""

    def __init__(self, app, request, image_id):
        self._app = app
        self._request = request
        self._image_id = image_id

    def respond(self):
        with expectations.deletion(self._image_id):
            answer = self._request.get_response(self._app)
        if 200 <= answer.status_int < 300 or self._is_gone(answer):
            pending.delete_image(self._image_id)
        return answer

    def _is_gone(self, answer):
        # 404 is also what Glance says about an image that is another project's.
        return answer.status_int == 404 and database.find_image(self._image_id) is None
