"""What must be so before the filter does anything, and what is built."""

import os
import subprocess
import sys
import tempfile
import unittest
import zipfile

from oslo_config import cfg

from tests.harness import glance
from tests.harness.support import PACKAGE


class FilterTest(unittest.TestCase):
    def setUp(self):
        glance.load_once()

    def test_eventlet_is_refused(self):
        program = ("import eventlet; eventlet.monkey_patch()\n"
                   "from glance_sidecar import wsgi\n"
                   "wsgi.filter_factory({})\n")
        ended = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], cwd=PACKAGE, capture_output=True, text=True)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("does not run under eventlet", ended.stderr)

    def test_imports_are_refused_when_glance_would_import_without_the_plugin(self):
        from glance.common import config
        user = glance.User()
        image_id = user.create()
        self.assertEqual(user.stage(image_id, b"a" * 1000).status_int, 204)
        self.addCleanup(cfg.CONF.clear_override, "image_import_plugins", "image_import_opts")
        cfg.CONF.set_override("image_import_plugins", ["no_op"], "image_import_opts")
        with self.assertLogs("glance_sidecar.wsgi.filter", "ERROR"):
            misconfigured = config.load_paste_app("glance-api")
        answer = glance.User(app=misconfigured).start_import(image_id)
        self.assertEqual(answer.status_int, 503, answer.text)
        self.assertIn("image_import_plugins", answer.text)
        self.assertEqual(user.show(image_id)["status"], "uploading")

    def test_plugin_that_cannot_be_loaded_is_a_fault(self):
        from glance_sidecar.wsgi import plugin_check
        self.assertIsNone(plugin_check.find_fault())
        self.addCleanup(setattr, plugin_check, "NAME", plugin_check.NAME)
        self.addCleanup(cfg.CONF.clear_override, "image_import_plugins", "image_import_opts")
        plugin_check.NAME = "staging_sidecar_that_is_not_installed"
        cfg.CONF.set_override("image_import_plugins", [plugin_check.NAME], "image_import_opts")
        self.assertIn("cannot be loaded", plugin_check.find_fault())

    def test_readme_has_every_option_with_its_default(self):
        from glance_sidecar import options
        with open(os.path.join(PACKAGE, "README.md")) as file:
            table = file.read().split("<!-- options")[1].split("<!-- end options")[0]
        lines = [line for line in table.splitlines() if "| `" in line]
        rows = [[cell.strip().strip("`") for cell in line.split("|")[1:3]] for line in lines]
        defaults = [
            [option.name, "" if option.default in ("", []) else str(option.default)] for option in options.OPTIONS]
        self.assertEqual(rows, defaults)

    def test_wheel_has_all_that_is_needed(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(
                [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps",
                 "--wheel-dir", directory, PACKAGE], check=True, stderr=subprocess.DEVNULL)
            with zipfile.ZipFile(os.path.join(directory, os.listdir(directory)[0])) as wheel:
                names = wheel.namelist()
                points = wheel.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
        self.assertIn("glance_sidecar/sidecar.protoset", names)
        self.assertIn("glance_sidecar/wsgi/filter.py", names)
        self.assertIn("glance_sidecar/stores/file.py", names)
        self.assertFalse([name for name in names if name.startswith("tests/")])
        for point in ("staging_sidecar = glance_sidecar.plugin:get_flow", "main = glance_sidecar.wsgi:filter_factory",
                      "glance_sidecar = glance_sidecar.options:list_opts", "sidecar_file = glance_sidecar.stores.file:Store"):
            self.assertIn(point, points)
