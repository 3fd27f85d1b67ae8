"""The package installed as its README says, on a machine that has nothing but what the README names."""

import os
import re
import subprocess
import unittest

from tests.harness.support import PACKAGE, ROOT

# --break-system-packages, --no-index and --no-build-isolation, said so that the README's command stays as it is. The last is the
# opposite of its name: https://github.com/pypa/pip/issues/5735
_PIP = "export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_NO_INDEX=1 PIP_NO_BUILD_ISOLATION=0"

# What Glance will do with it, as far as that goes without Glance.
_CHECK = """
from importlib.metadata import entry_points
import grpc
from glance_sidecar.rpc import messages
print("methods:", len(messages.methods()))
print("plugins:", *(point.value for point in entry_points(group="glance.image_import.plugins")))
"""


class InstallTest(unittest.TestCase):
    def test_readme_names_all_that_installing_needs(self):
        with open(os.path.join(PACKAGE, "README.md")) as file:
            commands = re.search("<!-- install:.*?-->\n(.*?)<!-- end install -->", file.read(), re.DOTALL).group(1)
        script = "\n".join(
            ["set -ex", _PIP, "apt-get update -qq", commands, "cd /", "python3 -c '%s'" % _CHECK])
        run = subprocess.run(
            [os.path.join(ROOT, "eng", "fresh-root"), "sh", "-c", script], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("plugins: glance_sidecar.plugin:get_flow", run.stdout)
        self.assertNotIn("methods: 0", run.stdout)
