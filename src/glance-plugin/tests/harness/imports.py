"""Imports as they are when nobody works on them any more."""

import os

from tests.harness.support import SCRATCH


# A kind of task that every Glance knows and that, like one that adds a location, is no import of a staged image.
OTHER_TASK = "import"


def lock(image_id, task_type="api_image_import", method="glance-direct"):
    """Gives the image a task that works on it; its id."""
    from glance_sidecar import database
    task = database.gateway().get_task_factory(database.admin()).new_task(
        task_type=task_type, owner="blue", image_id=image_id, user_id="alice", request_id="req-1",
        task_input={"image_id": image_id, "import_req": {"method": {"name": method}}, "backend": ["fast"]})
    database.tasks().add(task)
    task.begin_processing()
    database.tasks().save(task)
    database.images().set_property_atomic(database.find_image(image_id), database.LOCK, task.task_id)
    return task.task_id


def unfinished_import(user, content, disk_format="raw", method="glance-direct", stage=True, task_type="api_image_import"):
    """An image and its task as they are while it is written to the store: the ids of both."""
    from glance_sidecar import database
    image_id = user.create(disk_format)
    if stage:
        status = user.stage(image_id, content).status_int
        assert status == 204, status
    task_id = lock(image_id, task_type, method)
    images = database.images()
    image = images.get(image_id)
    before, image.status = image.status, "importing"
    image.disk_format = "raw"
    image.extra_properties["os_glance_importing_to_stores"] = "fast"
    images.save(image, from_state=before)
    with open(os.path.join(SCRATCH, "fast", image_id), "wb") as part:
        part.write(b"half of it")
    return image_id, task_id
