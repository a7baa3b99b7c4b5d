"""Private database servers for tests: PostgreSQL, MariaDB and Redis, each in a fresh directory and on its own port.

The system's own services are neither used nor touched. A server listens on loopback only and wants a password that is
made for it. It ends with its context, and also when the tests are killed: see `_WATCH`.
"""

import contextlib
import glob
import itertools
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Self

from sqlalchemy import Connection, Engine, create_engine, inspect, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

# A server that is not ready by then never will be; not a measure of anything.
_PATIENCE = 60.0

# The range from which no Linux, macOS or Windows takes the local port of a connection unless told otherwise. A port
# from it is still free when a test starts its server again.
_PORTS = range(20_000, 32_000)

# Run by a shell of its own. A line on its input ends it. The end of its input without a line means that the tests were
# killed: the shell ends the server, and removes the directory if that was made for the server. It waits for a second at
# most: where nobody waits for orphans, as in many containers, a process that has ended can be signalled forever.
_WATCH = """
read -r _ && exit
kill -s "$1" "$2"
[ -n "$3" ] || exit
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 "$2" 2>/dev/null && sleep 0.1; done
rm -rf -- "$3"
"""


class NotInstalledError(Exception):
    """A program of the server is missing, or its driver for Python."""


class Server:
    """A database server that runs while its context is open.

    Made by `postgresql`, `mariadb` and `redis`.

    Attributes:
        url: where it is, for SQLAlchemy, or for Celery in the case of Redis: a database that tests leave alone.
        port: its port on 127.0.0.1, the same after a restart.
        directory: where its files are.
    """

    name: ClassVar[str]
    # The account that Debian's package makes.
    account: ClassVar[str]
    programs: ClassVar[Sequence[str]]
    # What SQLAlchemy imports for its URL.
    driver: ClassVar[str | None] = None
    # In the log once the server accepts connections.
    banner: ClassVar[str]
    # Ends the server without writing anything that a crash would not have written.
    immediate: ClassVar[signal.Signals] = signal.SIGKILL
    # Ends the server in order, without waiting for its clients.
    orderly: ClassVar[signal.Signals] = signal.SIGTERM

    port: int
    directory: Path

    def __init__(self, directory: Path | None, durable: bool) -> None:
        if self.driver is not None and find_spec(self.driver) is None:
            raise NotInstalledError(f"not installed: {self.driver}")
        self._wanted = directory
        self._durable = durable
        self._found = {program: _find(program) for program in self.programs}
        self._password = secrets.token_hex(16)
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._engine: Engine | None = None
        self._own = False
        self._user = _user_for(self.account)

    @property
    def url(self) -> str:
        raise NotImplementedError

    def new_database(self) -> str:
        """Return the URL of an empty database that nobody uses."""
        raise NotImplementedError

    def recycle(self, url: str) -> None:
        """End all sessions of a SQL database and empty or drop it; `new_database` may return it again."""
        raise NotImplementedError

    def _install(self) -> None:
        """Fill the server's directory."""

    def _command(self) -> Sequence[str]:
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self._make_directory()
            self._install()
            while True:
                self.port = _free_port()
                try:
                    self.start()
                except RuntimeError:
                    # Another process was quicker to take the port.
                    if _is_free(self.port):
                        raise
                else:
                    return self
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, for the first time or again, and return once it accepts connections."""
        assert self._process is None, f"{self.name} runs already"
        log = self.directory / "log"
        with log.open("ab") as output:
            begin = output.tell()
            self._process = subprocess.Popen(  # noqa: S603  # the commands are those of this file
                self._command(),
                cwd=self.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A key press that interrupts the tests must not end the server before the tests have closed it.
                start_new_session=True,
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
            )
        self._watch(self._process)
        end = time.monotonic() + _PATIENCE
        while self.banner not in (said := log.read_bytes()[begin:].decode("utf-8", "replace")):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.name} did not start:\n{said[-4000:]}")
            time.sleep(0.02)

    def stop(self, *, immediate: bool = True) -> None:
        """End the server, unless it does not run.

        Args:
            immediate: end it as a crash would, so that the next start has to recover; else shut it down in order.
        """
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(self.immediate if immediate else self.orderly)
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.communicate(b"\n")

    def close(self) -> None:
        """End the server for good."""
        self.stop()
        if self._own:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _make_directory(self) -> None:
        wanted = self._wanted
        if wanted is None or (self._user is not None and not _is_open(wanted)):
            base = Path(tempfile.gettempdir())
            if self._user is not None and not _is_open(base):
                base = Path("/tmp")  # noqa: S108  # mkdtemp makes a directory that nobody could foresee
            self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=base))
            self._own = True
        else:
            self.directory = wanted.resolve()
            self.directory.mkdir(mode=0o700)
        self._give(self.directory)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        name = self.immediate.name.removeprefix("SIG")
        self._watcher = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _WATCH, "watch", name, str(process.pid), str(self.directory) if self._own else ""],
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _run(self, *command: str) -> None:
        """Run a program to its end, as the server's own user."""
        done = subprocess.run(  # noqa: S603
            command,
            cwd=self.directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            user=self._user,
            group=self._group,
            extra_groups=self._extra_groups,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-4000:]}")

    def _write(self, name: str, text: str) -> str:
        """Write a file that only the server may read, and return its path."""
        path = self.directory / name
        path.touch(0o600)
        path.write_text(text, "utf-8")
        self._give(path)
        return str(path)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            shutil.chown(path, self._user, self._group)

    @property
    def _group(self) -> int | None:
        import pwd  # where there is no root, there is no such module

        return None if self._user is None else pwd.getpwnam(self._user).pw_gid

    @property
    def _extra_groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _connect(self) -> Connection:
        """Connect as an administrator. Making an engine takes longer than making a database, so one is kept."""
        if self._engine is None:
            # A child process that a test forked may have closed the connection that the engine keeps.
            self._engine = create_engine(self.url, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        return self._engine.connect()


class _PostgreSQL(Server):
    name = "postgresql"
    account = "postgres"
    programs = ("initdb", "postgres")
    driver = "psycopg"
    banner = "database system is ready to accept connections"
    # Killed alone, the main process would leave its children behind.
    immediate = signal.SIGQUIT
    orderly = signal.SIGINT

    def __init__(self, directory: Path | None, durable: bool) -> None:
        super().__init__(directory, durable)
        self._recycled: list[str] = []

    @property
    def url(self) -> str:
        return self._url("postgres")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        if self._recycled:
            return self._recycled.pop()
        name = f"test_{next(self._numbers)}"
        with self._connect() as connection:
            # template1 cannot be copied while anybody is connected to it.
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._url(name)

    def recycle(self, url: str) -> None:
        # Another database would take some 100 ms, this takes 15.
        name = make_url(url).database
        with self._connect() as connection:
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
            )
            connection.exec_driver_sql(f"ALTER DATABASE {name} RESET ALL")
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            for schema in inspect(connection).get_schema_names():
                if schema != "information_schema":
                    connection.exec_driver_sql(f'DROP SCHEMA "{schema}" CASCADE')
            connection.exec_driver_sql("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
            connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO PUBLIC")
        self._recycled.append(url)

    def _install(self) -> None:
        self._run(
            *(self._found["initdb"], "--pgdata=data", "--username=postgres", "--encoding=UTF8", "--no-locale"),
            # The password travels in clear, on loopback: hashing would take longer than most statements.
            *(f"--pwfile={self._write('password', self._password)}", "--auth=password", "--no-sync"),
        )

    def _command(self) -> Sequence[str]:
        durable = "on" if self._durable else "off"
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": durable,
            "synchronous_commit": durable,
            # As with most users of this gateway. Nothing may depend on it.
            "timezone": "Asia/Shanghai",
            "shared_buffers": "32MB",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "checkpoint_timeout": "1h",
            "jit": "off",
        }
        options = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items())
        return [self._found["postgres"], "-D", "data", *options]


class _MariaDB(Server):
    name = "mariadb"
    account = "mysql"
    programs = ("mariadb-install-db", "mariadbd")
    driver = "pymysql"
    banner = "ready for connections"

    @property
    def url(self) -> str:
        return self._url("mysql")

    def _url(self, database: str) -> str:
        return f"mysql+pymysql://tests:{self._password}@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def new_database(self) -> str:
        name = f"test_{next(self._numbers)}"
        with self._connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return self._url(name)

    def recycle(self, url: str) -> None:
        name = make_url(url).database
        with self._connect() as connection:
            sessions = f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"  # noqa: S608
            for (session,) in connection.exec_driver_sql(sessions).all():
                # It may have ended in the meantime.
                with contextlib.suppress(OperationalError):
                    connection.exec_driver_sql(f"KILL {session}")
            # Another database takes a millisecond.
            connection.exec_driver_sql(f"DROP DATABASE {name}")

    def _install(self) -> None:
        self._run(
            *(self._found["mariadb-install-db"], "--no-defaults", f"--datadir={self.directory / 'data'}"),
            *("--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M"),
            # A server deletes what it takes for its own temporary files when it starts, also those of another one.
            f"--tmpdir={self.directory}",
        )

    def _command(self) -> Sequence[str]:
        # Run before the server accepts connections, at each start. The accounts of the installation use no password,
        # but are for root at the Unix socket alone.
        account = f"tests@127.0.0.1 IDENTIFIED BY '{self._password}'"
        init = f"CREATE USER IF NOT EXISTS {account};\nGRANT ALL ON *.* TO tests@127.0.0.1 WITH GRANT OPTION;\n"
        return [
            *(self._found["mariadbd"], "--no-defaults", f"--init-file={self._write('init.sql', init)}"),
            *(f"--datadir={self.directory / 'data'}", f"--tmpdir={self.directory}", "--pid-file=pid"),
            *("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve"),
            # Relative to the data: an absolute path would often be longer than a socket's may be.
            "--socket=socket",
            *("--character-set-server=utf8mb4", "--lc-messages=en_US"),
            # As with most users of this gateway. Nothing may depend on it.
            "--default-time-zone=+08:00",
            f"--innodb-flush-log-at-trx-commit={1 if self._durable else 0}",
            *("--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--performance-schema=OFF"),
        ]


class _Redis(Server):
    name = "redis"
    account = "redis"
    programs = ("redis-server",)
    banner = "Ready to accept connections"

    @property
    def url(self) -> str:
        return self._url(0)

    def _url(self, database: int) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        return self._url(next(self._numbers))

    def _command(self) -> Sequence[str]:
        settings: Mapping[str, object] = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self._password,
            "dir": self.directory,
            "databases": 1000,
            "save": '""',
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "always",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        return [self._found["redis-server"], self._write("redis.conf", text)]


def postgresql(directory: Path | None = None, *, durable: bool = True) -> Server:
    """A PostgreSQL server, for SQLAlchemy with psycopg.

    Args:
        directory: where its files go, which must not exist yet. Without one, or where root runs the tests and the
            server's own user cannot get there (as in pytest's ``tmp_path``), they go into a temporary directory.
        durable: False turns off ``fsync`` and ``synchronous_commit``: a crash then loses commits.

    Raises:
        NotInstalledError: a program of the server is missing, or its driver.
    """
    return _PostgreSQL(directory, durable)


def mariadb(directory: Path | None = None, *, durable: bool = True) -> Server:
    """A MariaDB server, for SQLAlchemy with PyMySQL.

    Args:
        directory: as for `postgresql`.
        durable: False has the log written once a second (``innodb_flush_log_at_trx_commit=0``): a crash then loses
            commits.

    Raises:
        NotInstalledError: a program of the server is missing, or its driver.
    """
    return _MariaDB(directory, durable)


def redis(directory: Path | None = None, *, durable: bool = True) -> Server:
    """A Redis server.

    Args:
        directory: as for `postgresql`.
        durable: False keeps everything in memory alone.

    Raises:
        NotInstalledError: a program of the server is missing.
    """
    return _Redis(directory, durable)


def _find(program: str) -> str:
    """The path of a program, also where Debian and Homebrew put servers."""
    places = [
        *os.get_exec_path(),
        *("/usr/sbin", "/usr/local/sbin"),
        # The newest version first.
        *sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True),
        *glob.glob("/opt/homebrew/opt/postgresql*/bin"),
    ]
    found = shutil.which(program, path=os.pathsep.join(places))
    if found is None:
        raise NotInstalledError(f"not installed: {program}")
    return found


def _user_for(account: str) -> str | None:
    """The user to run a server as: None for the one who runs the tests, who must not be root."""
    if os.name != "posix" or os.geteuid() != 0:
        return None
    import pwd  # where there is no root, there is no such module

    with contextlib.suppress(KeyError):
        return pwd.getpwnam(account).pw_name
    return "nobody"


def _is_open(directory: Path) -> bool:
    """Return True if every user can get to what is in the directory's parents, and in itself if it exists."""
    directory = directory.resolve()
    return all(path.stat().st_mode & 0o001 for path in (directory, *directory.parents) if path.exists())


def _free_port() -> int:
    while not _is_free(port := random.SystemRandom().choice(_PORTS)):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of a server that has ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment() -> Mapping[str, str]:
    """The environment of the tests without what sets up servers; messages are in English."""
    foreign = ("PG", "MYSQL", "MARIADB", "LC_", "LANG")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {"LC_ALL": "C"}
