"""Mending of images and tasks in Glance's database, as an administrator."""

import functools

from glance.api.v2 import policy as api_policy
from glance.common import exception
import glance.context
import glance.db
import glance.gateway
import glance.location
import glance.notifier
import glance.quota
from oslo_db import api as oslo_db_api
from oslo_log import log as logging
import webob.exc

LOG = logging.getLogger(__name__)

LOCK = "os_glance_import_task"
STAGE_HOST = "os_glance_stage_host"
IMPORTING_TO = "os_glance_importing_to_stores"
FAILED_IN = "os_glance_failed_import"

# The database server resolves a deadlock by ending one of the transactions, which Glance does not always begin again.
_again_after_deadlock = oslo_db_api.wrap_db_retry(
    max_retries=10, retry_interval=0.1, max_retry_interval=1, inc_retry_interval=True, retry_on_deadlock=True)


@functools.lru_cache(maxsize=None)
def gateway():
    return glance.gateway.Gateway()


@functools.lru_cache(maxsize=None)
def admin():
    return glance.context.get_admin_context()


def images():
    """
    Images with all their properties. The gateway's own would hide those that property_protection_file lets only some roles
    read, as an administrator made here has none, and saving an image removes from it what is hidden.
    """
    layers = gateway()
    repo = glance.db.ImageRepo(admin(), layers.db_api)
    repo = glance.location.ImageRepoProxy(repo, admin(), layers.store_api, layers.store_utils)
    repo = glance.quota.ImageRepoProxy(repo, admin(), layers.db_api, layers.store_utils)
    return glance.notifier.ImageRepoProxy(repo, admin(), layers.notifier)


def tasks():
    return gateway().get_task_repo(admin())


def find_image(image_id):
    """The image, or None when it does not exist any more."""
    try:
        return images().get(image_id)
    except exception.NotFound:
        return None


def find_task(task_id):
    """The task, or None."""
    if not task_id:
        return None
    try:
        return tasks().get(task_id)
    except exception.NotFound:
        return None


def is_import(task):
    """Whether the task imports. Adding a location, from 2024.2 on, holds the same lock on an image, for as long as Glance reads it."""
    return task.type == "api_image_import"


def may_modify(context, image_id):
    """Whether the policies let this user change the image."""
    try:
        image = gateway().get_repo(context).get(image_id)
        api_policy.ImageAPIPolicy(context, image, gateway().policy).modify_image()
    except (exception.NotFound, exception.Forbidden, webob.exc.HTTPException):
        return False
    return True


def to_queued(image_id, from_status):
    """Makes an image of that status ready to be staged again; False when it has another status by now."""
    image = find_image(image_id)
    if image is None or image.status != from_status:
        return False
    image.status = "queued"
    return save(image, from_status)


def save(image, from_status):
    """Saves an image unless its status changed meanwhile; says whether it did."""
    try:
        images().save(image, from_state=from_status)
    except (exception.Conflict, exception.NotFound):
        return False
    return True


def drop_locations(image_id):
    """
    Takes its locations from an image that no store has any more, and those that Glance notes before it writes to several stores
    at once. Returns the image.
    """
    rows = gateway().db_api
    for place in rows.image_get(admin(), image_id)["locations"]:
        rows.image_location_delete(admin(), image_id, place["id"], "deleted")
    return images().get(image_id)


@_again_after_deadlock
def drop_property(image_id, name):
    """Removes a property of Glance's own from an image, leaving all else alone."""
    image = find_image(image_id)
    value = image.extra_properties.get(name) if image is not None else None
    if value is None:
        return
    try:
        images().delete_property_atomic(image, name, value)
    except exception.NotFound:
        pass  # somebody else did


def fail_task(task, text):
    """Fails a task that has not ended, with a text for the user."""
    if task is None or task.status not in ("pending", "processing"):
        return
    task.fail(text)
    save_task(tasks(), task)


@_again_after_deadlock
def save_task(repo, task):
    """Saves what was changed of a task."""
    repo.save(task)
