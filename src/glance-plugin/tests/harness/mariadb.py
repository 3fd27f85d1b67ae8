"""A database server of the tests' own: SQLite refuses what two threads of Glance do at once."""

import atexit
import os
import subprocess

import pymysql

from tests.harness.support import SCRATCH, wait_until

_SOCKET = os.path.join(SCRATCH, "mariadb.sock")


def start():
    """The URL of an empty database; its server ends with the tests."""
    directory = os.path.join(SCRATCH, "mariadb")
    common = ["--no-defaults", "--datadir=" + directory]
    # Only root has to say as whom it runs, and only root may.
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        ["mariadb-install-db"] + common + user + ["--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # A database of a test survives nothing, so nothing has to be made durable.
    server = subprocess.Popen(
        ["/usr/sbin/mariadbd"] + common + user + [
            "--socket=" + _SOCKET, "--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin",
            "--innodb-buffer-pool-size=32M"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_end, server)
    connection = wait_until(lambda: _connect(server), "the database server answers")
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE glance CHARACTER SET utf8")
    connection.close()
    return "mysql+pymysql://root@localhost/glance?unix_socket=%s&charset=utf8" % _SOCKET


def _connect(server):
    if server.poll() is not None:
        raise AssertionError("The database server ended with %s." % server.returncode)
    try:
        return _open()
    except pymysql.err.OperationalError:
        return None


def _open(**where):
    return pymysql.connect(unix_socket=_SOCKET, user="root", **where)


def _end(server):
    server.kill()
    server.wait()


class Rival:
    """
    A transaction that gets into another one's way. It has changed more rows than that one, so of the two the server ends
    the other.
    """

    _WEIGHT = 200

    def __init__(self):
        self._connection = _open(database="glance")
        self._cursor = self._connection.cursor()
        self._cursor.execute("CREATE TABLE IF NOT EXISTS weight (id INT) ENGINE=InnoDB")
        self._cursor.execute("BEGIN")
        self._cursor.executemany("INSERT INTO weight VALUES (%s)", [(number,) for number in range(self._WEIGHT)])

    def run(self, statement, *values):
        self._cursor.execute(statement, values)
        return self._cursor.fetchone()

    def is_waited_for(self):
        """Whether another transaction waits, which can only be for this one."""
        # innodb_trx would be refreshed only for who asks less often than every 0.1 s.
        with _open(database="glance") as connection, connection.cursor() as cursor:
            cursor.execute("SHOW ENGINE INNODB STATUS")
            return "TRX HAS BEEN WAITING" in cursor.fetchone()[2]

    def end(self):
        self._connection.rollback()
        self._connection.close()
