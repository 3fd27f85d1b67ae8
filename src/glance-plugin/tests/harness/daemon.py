"""A sidecar of a test's own."""

import os
import shutil
import signal
import subprocess
import tempfile

from tests.harness.support import ROOT, wait_until

BINARY = os.environ.get(
    "TEST_SIDECAR", os.path.join(ROOT, "src", "Sidecar", "bin", "Debug", "net10.0", "Sidecar"))


class Daemon:
    """The real daemon over a staging directory; it can be killed and started again."""

    def __init__(self, staging=None, **settings):
        # Short: the path of a Unix socket has at most 107 characters.
        self.directory = tempfile.mkdtemp(prefix="sc-")
        self.staging = staging or os.path.join(self.directory, "staging")
        os.makedirs(self.staging, exist_ok=True)
        self.socket = os.path.join(self.directory, "s.sock")
        self.address = "unix:" + self.socket
        self._settings = settings
        self._process = None

    def start(self):
        command = [
            BINARY, "--Staging:Directory", self.staging, "--Staging:PodName", "glance-0",
            "--Hosting:SocketPath", self.socket, "--Hosting:LocalAddress", "127.0.0.1:0", "--Hosting:OpsAddress", ""]
        for key, value in self._settings.items():
            command += ["--" + key.replace("__", ":"), str(value)]
        self._log = open(os.path.join(self.directory, "log"), "ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        wait_until(self._answers, "the sidecar listens; its log: " + self.log())
        return self

    def kill(self):
        """As a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._log.close()

    def freeze(self):
        """It keeps its connections, and answers nobody any more."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """It goes on."""
        self._process.send_signal(signal.SIGCONT)

    def start_again(self):
        """Starts it unless it runs."""
        if self._process is None:
            self.start()

    def close(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def count_in_log(self, text):
        with open(os.path.join(self.directory, "log"), errors="replace") as log:
            return log.read().count(text)

    def log(self):
        with open(os.path.join(self.directory, "log"), errors="replace") as log:
            return log.read()[-4000:]

    def _answers(self):
        from glance_sidecar.rpc.client import Client
        from glance_sidecar.rpc.errors import SidecarError
        if self._process.poll() is not None:
            raise AssertionError("The sidecar ended: " + self.log())
        client = Client(self.address)
        try:
            return client.call("Staging.GetCapacity", timeout=2)
        except SidecarError:
            return None
        finally:
            client.close()
