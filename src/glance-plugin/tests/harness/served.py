"""Glance in worker processes of a real WSGI server, with real connections."""

from http.client import HTTPConnection
import json
import os
import subprocess
import sys
import unittest

from tests.harness import glance
from tests.harness.support import SCRATCH, free_port, path_of_modules, wait_until

TOKEN = {"X-Auth-Token": "alice:blue:member"}


class ServedTest(unittest.TestCase):
    multi_store = True
    options = []

    @classmethod
    def start_sidecar(cls):
        return glance.daemon()

    @classmethod
    def setUpClass(cls):
        glance.load_once()
        cls.port = free_port()
        cls.sidecar = cls.start_sidecar()
        # By its module too: fixtures of two modules may bear one name.
        name = "%s-%s" % (cls.__module__.rpartition(".")[2], cls.__name__)
        directory = glance.config_directory(name, cls.sidecar, cls.multi_store, recovery_interval=1)
        environment = dict(os.environ, OS_GLANCE_CONFIG_DIR=directory, PYTHONPATH=path_of_modules(SCRATCH))
        cls.log = open(os.path.join(SCRATCH, name + ".out"), "wb")
        cls.server = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "gunicorn", "-k", "gthread", "--threads", "4", "-w", "2",
             "-b", "127.0.0.1:%d" % cls.port] + cls.options + ["glance.common.wsgi_app:init_app()"],
            env=environment, stdout=cls.log, stderr=cls.log)
        wait_until(cls.answers, "glance-api answers", 60)

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.log.close()

    @classmethod
    def answers(cls):
        try:
            return cls.ask("GET", "/v2/images")[0] == 200
        except OSError:
            return False

    @classmethod
    def ask(cls, method, path, body=None, **options):
        connection = HTTPConnection("127.0.0.1", cls.port, timeout=60)
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        content = json.dumps(body) if isinstance(body, dict) else body
        connection.request(method, path, content, dict(TOKEN, **{"Content-Type": kind}), **options)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else text

    def create(self, disk_format="raw"):
        return self.ask("POST", "/v2/images", {"disk_format": disk_format, "container_format": "bare"})[1]["id"]

    def show(self, image_id):
        return self.ask("GET", "/v2/images/" + image_id)[1]
