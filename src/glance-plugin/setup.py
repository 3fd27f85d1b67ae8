"""Builds the package; all that setup.cfg cannot say is how the descriptor set of the protos is made."""

import os
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = os.path.dirname(os.path.abspath(__file__))
PROTOSET = os.path.join("glance_sidecar", "sidecar.protoset")
# The API's protos belong to the whole repository; the second directory is this package's own.
ROOTS = [os.path.join(HERE, "..", "..", "protos"), os.path.join(HERE, "protos")]
PROTOS = [
    "glance/sidecar/v1/staging.proto",
    "glance/sidecar/v1/imports.proto",
    "glance/sidecar/v1/stores.proto",
    "glance/sidecar/v1/downloads.proto",
    "glance/sidecar/v1/peers.proto",
    "google/rpc/error_details.proto",
]


def compile_protos(target):
    """Writes the descriptor set to target; outside the repository, the one that a source archive brought is taken."""
    if not os.path.isdir(ROOTS[0]):
        source = os.path.join(HERE, PROTOSET)
        if not os.path.isfile(source):
            raise SystemExit("Neither the protos (%s) nor %s are there: build from the repository, or from a source "
                             "archive made by 'python3 setup.py sdist'." % (ROOTS[0], source))
        if os.path.abspath(target) != source:
            shutil.copyfile(source, target)
        return
    protoc = shutil.which("protoc")
    compiler = [protoc] if protoc else [sys.executable, "-m", "grpc_tools.protoc"]
    roots = ["--proto_path=" + root for root in ROOTS]
    command = compiler + roots + ["--include_imports", "--descriptor_set_out=" + target] + PROTOS
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        raise SystemExit("The protos could not be compiled (%s): install protoc and the protos that come with it (Debian: "
                         "protobuf-compiler and libprotobuf-dev), or the Python package grpcio-tools." % failure)


class BuildPy(build_py):
    def run(self):
        super().run()
        # A development install runs from the source tree and looks for it there.
        root = HERE if getattr(self, "editable_mode", False) else self.build_lib
        compile_protos(os.path.join(root, PROTOSET))


class Sdist(sdist):
    def run(self):
        compile_protos(os.path.join(HERE, PROTOSET))
        super().run()


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
