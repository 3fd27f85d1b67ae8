"""The filter itself: which requests concern the sidecar, and what must be so for it to work at all."""

import re

from oslo_log import log as logging
import webob

from glance_sidecar import logging_lock
from glance_sidecar import options
from glance_sidecar import swap
from glance_sidecar import volume
from glance_sidecar.repair import background
from glance_sidecar.wsgi import plugin_check
from glance_sidecar.wsgi.deletion import Deletion
from glance_sidecar.wsgi.importing import ImportRequest
from glance_sidecar.wsgi.reserved import refuse_reserved_store
from glance_sidecar.wsgi.staging import StageRequest

LOG = logging.getLogger(__name__)

_IMAGE = re.compile(
    r"^/v2(?:\.\d+)?/images/(?P<id>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"(?:/(?P<what>stage|import|file))?/?$")


class SidecarFilter:
    """Sits behind Glance's context filter, so that requests are authenticated already."""

    def __init__(self, app):
        self._app = app
        self._plugin_fault = plugin_check.find_fault()
        if self._plugin_fault:
            LOG.error("Every image import is refused: %s", self._plugin_fault)
        if not swap.ensure() and volume.multi_store():
            LOG.info("Glance's stores are not made yet; the staging store is replaced at the first request.")
        if not background.will_fork():
            # A pod that nobody asks for anything mends what its predecessor left, too.
            background.ensure_started()

    def __call__(self, environ, start_response):
        swap.ensure()
        background.ensure_started()
        request = webob.Request(environ)
        return self._respond(request)(environ, start_response)

    def _respond(self, request):
        match = _IMAGE.match(request.path_info)
        if not match:
            return self._app
        image_id, what = match.group("id").lower(), match.group("what")
        try:
            if (request.method, what) == ("PUT", "stage"):
                return StageRequest(self._app, request, image_id).respond()
            if (request.method, what) == ("POST", "import"):
                return ImportRequest(self._app, request, image_id, self._plugin_fault).respond()
            if (request.method, what) == ("DELETE", None):
                return Deletion(self._app, request, image_id).respond()
            if (request.method, what) == ("PUT", "file"):
                refuse_reserved_store(request, {})
        except webob.exc.HTTPException as refusal:
            return refusal
        return self._app


def filter_factory(global_conf, **local_conf):
    """For paste. Raises RuntimeError where the filter could not work."""
    _refuse_eventlet()
    logging_lock.make_native()
    options.register()
    return SidecarFilter


def _refuse_eventlet():
    if logging_lock.is_green():
        raise RuntimeError(
            "The staging sidecar's filter does not run under eventlet's monkey patching, which the gRPC library blocks "
            "on: serve glance-api by mod_wsgi, or by gunicorn's gthread worker, with glance.common.wsgi_app:init_app.")
