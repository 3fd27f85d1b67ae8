"""The real Glance in this process, behind the filter: multi-store, a database server, users by their token."""

import json
import os
from unittest import mock
import uuid

from tests.harness import mariadb
from tests.harness.daemon import Daemon
from tests.harness.keys import KeyManager
from tests.harness.support import FAR, SCRATCH, wait_until

import webob

_PASTE = """
[pipeline:glance-api]
pipeline = tokens context sidecar rootapp
[composite:rootapp]
paste.composite_factory = glance.api:root_app_factory
/: apiversions
/v2: apiv2app
[app:apiversions]
paste.app_factory = glance.api.versions:create_resource
[app:apiv2app]
paste.app_factory = glance.api.v2.router:API.factory
[filter:tokens]
paste.filter_factory = tests.harness.identity:tokens
[filter:context]
paste.filter_factory = glance.api.middleware.context:ContextMiddleware.factory
[filter:sidecar]
paste.filter_factory = glance_sidecar.wsgi:filter_factory
"""

_MULTI_STORE = """
[DEFAULT]
enabled_backends = fast:file,slow:file,far:file
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = {scratch}/fast
[slow]
filesystem_store_datadir = {scratch}/slow
filesystem_store_file_perm = 640
[far]
filesystem_store_datadir =
filesystem_store_datadirs = {far}/spare:1
filesystem_store_datadirs = {far}/first:2
[os_glance_staging_store]
filesystem_store_datadir = {staging}
[os_glance_tasks_store]
filesystem_store_datadir = {scratch}/tasks
"""

# Glance then makes a staging store of its own at each use.
_SINGLE_STORE = """
[DEFAULT]
node_staging_uri = file://{staging}
[glance_store]
stores = file
default_store = file
filesystem_store_datadir = {scratch}/only
"""

_CONFIG = """
[DEFAULT]
enabled_import_methods = [glance-direct,web-download,copy-image]
property_protection_file = {scratch}/{name}/property-protections.conf
worker_self_reference_url = http://pod-that-is-gone.example:9292
log_file = {scratch}/{name}.log
[database]
connection = {database}
[image_import_opts]
image_import_plugins = ['staging_sidecar']
[import_filtering_opts]
allowed_hosts = [127.0.0.1]
allowed_ports = []
[taskflow_executor]
engine_mode = serial
[barbican]
auth_endpoint = {keys}/v3
[image_format]
disk_formats = ami,ari,aki,vhd,vhdx,vmdk,raw,qcow2,vdi,iso,ploop,root-tar
container_formats = ami,ari,aki,bare,ovf,ova,docker,compressed,lxd
[staging_sidecar]
progress_interval = 1
wait = 20
"""

# Of properties that only the operator sets.
_PROTECTIONS = """
[^x_operator_.*]
create = nobody
read = @
update = nobody
delete = nobody
[.*]
create = member,admin
read = member,admin
update = member,admin
delete = member,admin
"""

_OPERATORS = {
    "Import__Plugins__0": "image_decompression", "Import__Plugins__1": "image_conversion",
    "Import__Plugins__2": "inject_image_metadata", "Import__Metadata__Inject__x_operator_seal": "unbroken",
    "Downloads__RetryDelay": "00:00:00.0100000",
}


_app = None
_database = None
_daemon = None
_keys = None


def daemon():
    """The sidecar that Glance is configured with; started when it does not run."""
    global _daemon
    if _daemon is None:
        _daemon = Daemon(os.path.join(SCRATCH, "staging"), **_OPERATORS).start()
        import atexit
        atexit.register(_daemon.close)
    return _daemon


def keys():
    """The key manager that Glance is configured with."""
    global _keys
    if _keys is None:
        _keys = KeyManager()
    return _keys


def load_once():
    """Glance, as its WSGI server would load it."""
    global _app
    if _app is None:
        _app = _load()
    return _app


def config_directory(name, sidecar, multi_store=True, **settings):
    """A directory with the configuration of a Glance beside that sidecar; settings are added to the sidecar's group."""
    global _database
    _database = _database or mariadb.start()
    directory = os.path.join(SCRATCH, name)
    os.makedirs(directory)
    with open(os.path.join(directory, "glance-api-paste.ini"), "w") as file:
        file.write(_PASTE)
    with open(os.path.join(directory, "property-protections.conf"), "w") as file:
        file.write(_PROTECTIONS)
    content = (_MULTI_STORE if multi_store else _SINGLE_STORE) + _CONFIG
    with open(os.path.join(directory, "glance-api.conf"), "w") as file:
        file.write(content.format(
            scratch=SCRATCH, far=FAR, staging=sidecar.staging, database=_database, name=name, keys=keys().url))
        settings = dict({"recovery_interval": 0}, address=sidecar.address, **settings)
        file.writelines("%s = %s\n" % setting for setting in settings.items())
    return directory


def _load():
    os.environ["OS_GLANCE_CONFIG_DIR"] = config_directory("etc", daemon())
    from glance.common import wsgi_app
    from glance.db.sqlalchemy import api, models
    loaded = wsgi_app.init_app()
    models.BASE.metadata.create_all(api.get_engine())
    return loaded


class User:
    """Somebody who asks Glance for something."""

    def __init__(self, name="alice", project="blue", role="member", app=None):
        self.token = "%s:%s:%s" % (name, project, role)
        self._earlier = {}
        self._app = app or load_once()

    def ask(self, method, path, body=None, **headers):
        """body: bytes, a reader, or what becomes JSON."""
        request = webob.Request.blank("/v2" + path, method=method)
        request.headers["X-Auth-Token"] = self.token
        if isinstance(body, (dict, list)):
            request.body = json.dumps(body).encode()
            request.content_type = "application/json"
        elif isinstance(body, bytes):
            request.body = body
            request.content_type = "application/octet-stream"
        elif body is not None:
            request.body_file = body
            request.content_type = "application/octet-stream"
        for name, value in headers.items():
            request.headers[name.replace("_", "-")] = str(value)
        return request.get_response(self._app)

    def create(self, disk_format="raw", container_format="bare", **properties):
        answer = self.ask("POST", "/images", dict(
            properties, name="test", disk_format=disk_format, container_format=container_format, id=str(uuid.uuid4())))
        assert answer.status_int == 201, answer.text
        return answer.json_body["id"]

    def show(self, image_id):
        return self.ask("GET", "/images/" + image_id).json_body

    def stage(self, image_id, body, **headers):
        return self.ask("PUT", "/images/%s/stage" % image_id, body, **headers)

    def start_import(self, image_id, method="glance-direct", uri=None, **fields):
        self._earlier[image_id] = {task["id"] for task in self.tasks(image_id)}
        return self.ask("POST", "/images/%s/import" % image_id, dict(
            fields, method={"name": method, "uri": uri} if uri else {"name": method}))

    def tasks(self, image_id):
        return self.ask("GET", "/images/%s/tasks" % image_id).json_body["tasks"]

    def end_of_import(self, image_id):
        """The task of the import that was started last, when it has ended and its watcher has seen to it."""
        from glance_sidecar.imports import live
        from glance_sidecar.repair import records

        def newest():
            return next((task for task in self.tasks(image_id) if task["id"] not in self._earlier[image_id]), None)

        def closed():
            task = newest()
            return (task and task["status"] in ("success", "failure") and records.get("import", image_id) is None
                    and live.of_task(task["id"]) is None)
        wait_until(closed, "the import of %s ends" % image_id)
        return newest()


def stage_before_removals(test, user, content):
    """Has somebody who waits until he may stage an image do so just before anything of it is removed."""
    from glance_sidecar import database
    from glance_sidecar.repair import pending
    remove = pending.delete_image

    def stage_then_remove(image_id, *arguments, **options):
        image = user.show(image_id)
        if image["status"] == "queued" and database.LOCK not in image:
            answer = user.stage(image_id, content)
            assert answer.status_int == 204, answer.text
        remove(image_id, *arguments, **options)
    patch = mock.patch.object(pending, "delete_image", stage_then_remove)
    patch.start()
    test.addCleanup(patch.stop)


class Imports:
    """Goes before TestCase: images staged and imported by self.user, or another one."""

    def stage(self, content, disk_format="raw", user=None, **properties):
        user = user or self.user
        image_id = user.create(disk_format, **properties)
        answer = user.stage(image_id, content)
        self.assertEqual(answer.status_int, 204, answer.text)
        return image_id

    def run_import(self, image_id, user=None, method="glance-direct", **fields):
        user = user or self.user
        answer = user.start_import(image_id, method, **fields)
        self.assertEqual(answer.status_int, 202, answer.text)
        return user.end_of_import(image_id)
