"""Configuration of gunicorn: its workers die at a point that a file names, while they put an image into its store."""

import os
import signal

POINTS = ("before the link", "linked", "two names", "published", "added", "half copied")


def kill_at(path, point):
    """The next worker that comes to the point dies there, as by a crash. path: what the environment names."""
    with open(path, "w") as file:
        file.write(point)


def _die_at(point):
    path = os.environ["TEST_KILL_AT"]
    try:
        with open(path) as file:
            wanted = file.read() == point
        if wanted:
            os.unlink(path)
            os.kill(os.getpid(), signal.SIGKILL)
    except FileNotFoundError:
        pass


def _around(owner, name, before=None, after=None, when=lambda *_: True):
    wrapped = getattr(owner, name)

    def wrapper(*arguments, **options):
        if before and when(*arguments):
            _die_at(before)
        result = wrapped(*arguments, **options)
        if after:
            _die_at(after)
        return result
    setattr(owner, name, wrapper)


def post_worker_init(worker):
    """Called by gunicorn."""
    from glance_sidecar.stores import copying, direct, placing
    _around(placing, "_link", before="before the link", after="linked")
    _around(placing, "unlink", before="two names",
            when=lambda path: path.endswith(".part") and os.path.exists(path)
            and os.path.exists(os.path.join(os.path.dirname(path), os.path.basename(path)[1:-len(".part")])))
    _around(placing, "sync_directory", before="published")
    _around(direct.DirectStore, "add", after="added")
    _around(copying, "_by_kernel", before="half copied")
