"""The import plugin: entry point glance.image_import.plugins, name staging_sidecar."""

from oslo_log import log as logging
from taskflow.patterns import linear_flow
from taskflow import task
from taskflow.types import failure

from glance_sidecar.imports import live
from glance_sidecar.imports.importing import ImportRun
from glance_sidecar.imports.undoing import Undo
from glance_sidecar.repair import records

LOG = logging.getLogger(__name__)


class SidecarImport(task.Task):
    """Has the sidecar import the staged image; what it answers is the file that Glance then stores."""

    default_provides = "file_path"

    def __init__(self, task_type, started):
        super().__init__(name="%s-SidecarImport-%s" % (task_type, started.live.task_id))
        self._run = started

    def execute(self, file_path):
        return self._run.execute(file_path)

    def revert(self, result, flow_failures, **_):
        # An exception here would end all remaining reverts, with the image locked for an hour.
        try:
            own = result.exception if isinstance(result, failure.Failure) else None
            later = None if own else next((each.exception for each in flow_failures.values()), None)
            Undo(self._run).after(own, later)
        except Exception:
            LOG.exception("What the import of image %s left could not be undone.", self._run.live.image_id)


def get_flow(task_id, task_type, image_id, image_repo, task_repo, action_wrapper, context, import_req, **kwargs):
    """The flow of one import. Never raises on account of the sidecar: Glance would import the image without it."""
    method = import_req["method"]["name"]
    url = import_req["method"].get("uri") if method == "web-download" else None
    running = live.LiveImport(image_id, task_id, image_repo, task_repo, url)
    live.begin(running)
    try:
        records.update("import", image_id, task_id=task_id, method=method, stores=kwargs.get("backend"))
    except OSError:
        LOG.exception("The import of image %s cannot be noted: it is not mended should this process die.", image_id)
    return linear_flow.Flow(task_type).add(
        SidecarImport(task_type, ImportRun(running, action_wrapper, context, method, kwargs.get("backend"))))
