"""
An import that is as good as over still holds its image for a moment: its lock goes after the image's status changed. In
that moment Glance refuses another import of the image, and stumbles over a delete, which it answers with 500.
"""

import time

from oslo_log import log as logging

from glance_sidecar import database

LOG = logging.getLogger(__name__)

# A few writes to the database, on a busy machine.
PATIENCE = 10
_PAUSE = 0.05


def wait_for(image_id):
    """Waits until no import of the image is about to end; not for one that runs, and not for ever."""
    until = time.monotonic() + PATIENCE
    while _is_ending(image_id):
        if time.monotonic() >= until:
            LOG.warning("An import of image %s still holds it after %d s, though it is over.", image_id, PATIENCE)
            return
        time.sleep(_PAUSE)


def _is_ending(image_id):
    image = database.find_image(image_id)
    lock = image.extra_properties.get(database.LOCK) if image is not None else None
    if not lock or image.status == "importing" or image.extra_properties.get(database.IMPORTING_TO):
        return False
    task = database.find_task(lock)
    return task is None or database.is_import(task)
