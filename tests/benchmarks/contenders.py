"""The daemon and its peers, each in a process of its own that is measured from outside, and the clients that they are given."""

import atexit
import getpass
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
HERE = pathlib.Path(__file__).parent


def wait_for(condition, what):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("%s did not come" % what)
        time.sleep(0.002)


class Server:
    """A program that serves on a Unix socket until it is closed."""

    def __init__(self, socket, command, **options):
        self.socket = pathlib.Path(socket)
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, **options)
        atexit.register(self.close)
        wait_for(self._serves, self.socket)

    def _serves(self):
        if self.process.poll() is not None:
            raise SystemExit("%s ended with %d" % (self.process.args[0], self.process.returncode))
        return self.socket.exists()

    def cpu_seconds(self):
        """Its own and its children's, as a server may fork its workers."""
        return sum(_cpu_seconds(pid) for pid in self._processes())

    def peak_mib(self):
        text = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024

    def resident_mib(self):
        text = pathlib.Path("/proc/%d/status" % self.process.pid).read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024

    def forget_peak(self):
        # proc(5): 5 sets the peak to what is in memory now.
        pathlib.Path("/proc/%d/clear_refs" % self.process.pid).write_text("5")

    def close(self):
        """Ends it; at the end of this program it is ended anyway."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def _processes(self):
        pid = self.process.pid
        children = pathlib.Path("/proc/%d/task/%d/children" % (pid, pid)).read_text().split()
        return [pid] + [int(child) for child in children]


class Sidecar(Server):
    """The daemon, as shipped, with a staging directory of its own."""

    def __init__(self, work, program, name="sidecar", ops=29395, *settings):
        self.ops = ops
        self.staging = work / (name + "-staging")
        socket = work / (name + ".sock")
        super().__init__(socket, [
            program, "--Staging:Directory", self.staging, "--Hosting:SocketPath", socket, "--Hosting:LocalAddress", "",
            "--Hosting:OpsAddress", "127.0.0.1:%d" % ops, *settings])

    def get(self, path):
        """The answer of its operations port."""
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.ops, path)) as answer:
            return answer.read().decode()

    def allocated(self):
        return float(re.search(r"^process_allocated_bytes_total(?:\{\})? (\S+)$", self.get("/metrics"), re.M).group(1))


def cpp_server(work, program, sync):
    """The plainest C++ gRPC server of the same service."""
    name = "cpp-fsync" if sync else "cpp"
    directory = work / name
    directory.mkdir()
    socket = work / (name + ".sock")
    return Server(socket, [program, "unix:%s" % socket, directory] + (["fsync"] if sync else []))


def python_server(work):
    """The plainest Python gRPC server of the same service, with fsync."""
    directory = work / "python"
    directory.mkdir()
    socket = work / "python.sock"
    command = [sys.executable, HERE / "stage_server.py", "unix:%s" % socket, directory]
    return Server(socket, command, env=dict(os.environ, PYTHONPATH=str(work)))


def nginx(work):
    """nginx with WebDAV: PUT writes a temporary file, and renames it; no fsync."""
    directory = work / "nginx"
    directory.mkdir()
    socket = work / "nginx.sock"
    (directory / "nginx.conf").write_text("""
daemon off; user %(user)s; pid %(directory)s/pid; error_log stderr; worker_processes 2;
events {}
http {
  access_log off; client_body_temp_path %(directory)s/temporary; client_max_body_size 0; client_body_buffer_size 1m;
  proxy_temp_path %(directory)s/a; fastcgi_temp_path %(directory)s/b; uwsgi_temp_path %(directory)s/c; scgi_temp_path %(directory)s/d;
  server { listen unix:%(socket)s; root %(directory)s; dav_methods PUT DELETE; }
}
""" % {"directory": directory, "socket": socket, "user": getpass.getuser()})
    return Server(socket, ["nginx", "-c", directory / "nginx.conf"])


def tus(work):
    """The tus project's own server, with its store of files; no fsync."""
    directory = work / "tus"
    directory.mkdir()
    socket = work / "tus.sock"
    return Server(socket, ["node", HERE / "tus" / "server.js", socket, directory])


def glance_api(work):
    """Glance alone, which takes the image into a store of files; no fsync."""
    directory = work / "glance-api"
    for part in ("etc", "images", "staging", "tasks"):
        (directory / part).mkdir(parents=True)
    configuration = directory / "etc" / "glance-api.conf"
    configuration.write_text("""
[DEFAULT]
enabled_backends = files:file
[glance_store]
default_backend = files
[files]
filesystem_store_datadir = %(directory)s/images
[os_glance_staging_store]
filesystem_store_datadir = %(directory)s/staging
[os_glance_tasks_store]
filesystem_store_datadir = %(directory)s/tasks
[database]
connection = sqlite:///%(directory)s/glance.sqlite
""" % {"directory": directory})
    # Without its filter for tokens everybody may do everything.
    (directory / "etc" / "glance-api-paste.ini").write_text("""
[pipeline:glance-api]
pipeline = context app
[filter:context]
paste.filter_factory = glance.api.middleware.context:UnauthenticatedContextMiddleware.factory
[app:app]
paste.app_factory = glance.api.v2.router:API.factory
""")
    subprocess.run(["glance-manage", "--config-file", configuration, "db_sync"], check=True, capture_output=True)
    socket = work / "glance-api.sock"
    return Server(
        socket,
        ["/usr/bin/python3", "/usr/bin/gunicorn", "--log-level", "error", "--worker-class", "gthread", "--threads", 4,
         "--bind", "unix:%s" % socket, "--timeout", 300, "glance.common.wsgi_app:init_app()"],
        env=dict(os.environ, OS_GLANCE_CONFIG_DIR=str(directory / "etc")))


def kestrel(work, bench):
    """Kestrel itself, which takes the bytes of a Stage call and does nothing with them."""
    socket = work / "kestrel.sock"
    return Server(socket, ["dotnet", bench, "limit", socket])


def by_client(client, server, mib, uploads=1, chunk_kib=1024, mode="stage"):
    """What the C++ client measures: total rate in MiB/s; the server's CPU; and its own."""
    before, client_before = server.cpu_seconds(), _children_cpu_seconds()
    seconds = float(subprocess.run(
        [str(client), "unix:%s" % server.socket, str(mib), str(chunk_kib), str(uploads), mode],
        check=True, capture_output=True, text=True).stdout)
    figures = _figures(mib * uploads, seconds, server.cpu_seconds() - before)
    figures["client_cpu"] = (_children_cpu_seconds() - client_before) / (mib * uploads / 1024)
    return figures


def by_put(server, source, mib):
    """curl's PUT of a file to nginx."""
    before, start = server.cpu_seconds(), time.monotonic()
    _curl(server, "-T", source, "http://localhost/image")
    figures = _figures(mib, time.monotonic() - start, server.cpu_seconds() - before)
    _curl(server, "-X", "DELETE", "http://localhost/image")
    return figures


def by_tus(server, source, mib):
    """An upload in the terms of tus, in one request behind the one that creates it."""
    before, start = server.cpu_seconds(), time.monotonic()
    headers = _curl(server, "-X", "POST", "-D", "-", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: %d" % (mib << 20),
                    "http://localhost/files")
    location = re.search(r"(?im)^location: \S*?(/files/\S+)", headers).group(1)
    _curl(server, "-X", "PATCH", "-T", source, "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Offset: 0",
          "-H", "Content-Type: application/offset+octet-stream", "http://localhost%s" % location)
    figures = _figures(mib, time.monotonic() - start, server.cpu_seconds() - before)
    _curl(server, "-X", "DELETE", "-H", "Tus-Resumable: 1.0.0", "http://localhost%s" % location)
    return figures


def by_dd(work, source, mib, sync):
    """dd from the page cache to the same volume."""
    target = work / "dd"
    return _by_copy(["dd", "if=%s" % source, "of=%s" % target, "bs=1M", "status=none"] + (["conv=fsync"] if sync else []), target, mib)


def by_cp(work, source, mib):
    """cp from the page cache to the same volume, of every byte."""
    target = work / "cp"
    return _by_copy(["cp", "--reflink=never", "--sparse=never", source, target], target, mib)


def by_glance(server, source, mib):
    """An upload in the terms of Glance: its bytes, behind the request that creates the image."""
    before, start = server.cpu_seconds(), time.monotonic()
    image = json.loads(_curl(
        server, "-X", "POST", "-H", "Content-Type: application/json", "-d", '{"disk_format": "raw", "container_format": "bare"}',
        "http://localhost/images"))
    _curl(server, "-T", source, "-H", "Content-Type: application/octet-stream", "http://localhost/images/%s/file" % image["id"])
    figures = _figures(mib, time.monotonic() - start, server.cpu_seconds() - before)
    _curl(server, "-X", "DELETE", "http://localhost/images/%s" % image["id"])
    return figures


def _by_copy(command, target, mib):
    start = time.monotonic()
    subprocess.run(command, check=True)
    seconds = time.monotonic() - start
    target.unlink()
    return {"rate": mib / seconds}


def _curl(server, *arguments):
    return subprocess.run(
        ["curl", "-sS", "-f", "--unix-socket", str(server.socket), *[str(argument) for argument in arguments]],
        check=True, stdout=subprocess.PIPE, text=True).stdout


def _figures(mib, seconds, cpu):
    return {"rate": mib / seconds, "cpu": cpu / (mib / 1024)}


def _children_cpu_seconds():
    # Of children that were waited for, as clients are and servers are not while they serve.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _cpu_seconds(pid):
    # utime and stime, and both of children that ended; the name before them may hold spaces.
    fields = pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS
