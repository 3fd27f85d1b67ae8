"""A database server of the tests' own: SQLite refuses what two threads of Glance do at once."""

import atexit
import os
import subprocess

import pymysql

from tests.support import SCRATCH, wait_until


def start():
    """The URL of an empty database; its server ends with the tests."""
    directory = os.path.join(SCRATCH, "mariadb")
    socket = os.path.join(SCRATCH, "mariadb.sock")
    common = ["--no-defaults", "--datadir=" + directory]
    # Only root has to say as whom it runs, and only root may.
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db"] + common + user + ["--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # A database of a test survives nothing, so nothing has to be made durable.
    server = subprocess.Popen(
        ["/usr/sbin/mariadbd"] + common + user + [
            "--socket=" + socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin",
            "--innodb-buffer-pool-size=32M"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_end, server)
    connection = wait_until(lambda: _connect(socket, server), "the database server answers")
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE glance CHARACTER SET utf8")
    connection.close()
    return "mysql+pymysql://root@localhost/glance?unix_socket=%s&charset=utf8" % socket


def _connect(socket, server):
    if server.poll() is not None:
        raise AssertionError("The database server ended with %s." % server.returncode)
    try:
        return pymysql.connect(unix_socket=socket, user="root")
    except pymysql.err.OperationalError:
        return None


def _end(server):
    server.kill()
    server.wait()
