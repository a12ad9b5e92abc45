"""`ui`, `desk`, `doctor`: Dagster's web UI on this home, the evidence pages, and what is configured.

Belongs here: these commands. Does not: anything that Dagster or the desk does.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finops_ai.cli.shared import FAILED, Refused, command, fail, open_records, print_json, print_table
from finops_ai.settings import Settings, SettingsError, environment_of, load_settings

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from finops_ai.policy import Tier

DESK_PORT = 3300  # of the default FINOPS_AI_DESK_URL
_HOST = click.option("--host", default="127.0.0.1", show_default=True)
_PORT = click.IntRange(1, 65535)


@click.command()
@_HOST
@click.option("--port", default=3000, show_default=True, type=_PORT)
@click.option("--desk-port", default=DESK_PORT, show_default=True, type=_PORT, help="Of the evidence pages.")
def ui(host: str, port: int, desk_port: int) -> None:
    """Dagster's webserver and daemon on this home, and the desk beside them, until Ctrl-C.

    Neither has a login: let nobody reach them but through an authenticating proxy.

    \b
    Example:
      finops-ai ui --port 3000
    """
    from finops_ai.desk import in_background
    from finops_ai.orchestration.lane import prepare_home

    try:
        settings = load_settings()
        prepare_home(settings)
        _listen(host, port, option="--port").close()  # Dagster would go to another port without a word
        listening = _listen(host, desk_port, option="--desk-port")
        app = _desk_app()
    except SettingsError as error:
        fail([{"reason": str(error)}], as_json=False)
    except Refused as error:
        fail(error.problems, as_json=False)
    click.echo(f"Dagster on http://{host}:{port}  (home {settings.home}; Ctrl-C ends it)")
    click.echo(f"Evidence on http://{host}:{desk_port}")
    process = _dagster(settings, host, port)
    with in_background(app, listening):
        code = process.wait()
    sys.exit(code)


def _dagster(settings: Settings, host: str, port: int) -> "subprocess.Popen[bytes]":
    """Webserver and daemon, which end with this process."""
    workspace = str(settings.home / "workspace.yaml")
    arguments = [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", host, "-p", str(port)]
    environment = os.environ | environment_of(settings)
    # a shell that starts us in the background hands down an ignored SIGINT, and `dagster dev` would never end
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        arguments, env=environment, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)
    )
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: process.send_signal(signal.SIGINT))
    return process


@click.command()
@_HOST
@click.option("--port", default=DESK_PORT, show_default=True, type=_PORT)
@command
def desk(host: str, port: int, *, as_json: bool) -> None:
    """The evidence of every artifact as web pages, until Ctrl-C: sources, claims, and each claim in its source's text.

    Read-only: nothing can be signed or changed here; `finops-ai decide` signs. It has no login: let nobody reach it but
    through an authenticating proxy. It answers to localhost, 127.0.0.1 and the host of FINOPS_AI_DESK_URL alone.

    \b
    Example:
      finops-ai desk --port 3300
    """
    from finops_ai.desk import serve

    listening = _listen(host, port, option="--port")
    app = _desk_app()
    address = f"http://{host}:{port}"
    if as_json:
        print_json({"address": address})
    else:
        click.echo(f"Evidence on {address}  (Ctrl-C ends it)")
    try:
        serve(app, listening)
    except KeyboardInterrupt:  # the server has ended by then, and passes on what ended it
        return


def _listen(host: str, port: int, *, option: str) -> "socket.socket":
    from finops_ai.desk import PortTaken, listen

    try:
        return listen(host, port)
    except PortTaken as error:
        raise Refused([{"field": option, "reason": str(error)}]) from None


def _desk_app() -> "ASGIApp":
    from finops_ai.desk import desk_app
    from finops_ai.policy import load_policy

    records = open_records()
    settings = records.settings
    return desk_app(
        database=records.database,
        objects=records.objects,
        policy=lambda: load_policy(settings.policy_path),
        desk_url=settings.desk_url,
    )


@click.command()
@command
def doctor(*, as_json: bool) -> None:
    """What is configured, and what is missing. Exit 1 where something would not work.

    \b
    Example:
      finops-ai doctor
    """
    findings = list(_findings(load_settings()))
    if as_json:
        print_json([{"what": what, "ok": ok, "found": found} for what, ok, found in findings])
    else:
        print_table(("", "what", "found"), [("✔" if ok else "✘", what, found) for what, ok, found in findings])
    if not all(ok for _, ok, _ in findings):
        sys.exit(FAILED)


def _findings(settings: Settings) -> Iterator[tuple[str, bool, str]]:
    from finops_ai import __version__
    from finops_ai.orchestration.lane import shipped_file
    from finops_ai.policy import PolicyError, load_policy

    yield "finops_ai", True, __version__
    writable = os.access(settings.home if settings.home.exists() else settings.home.parent, os.W_OK)
    yield "home", writable, f"{settings.home}{'' if writable else ' (not writable)'}"
    yield (database := _database(settings))
    if database[1]:
        yield _usage_events(settings)
    yield (
        "environment",
        True,
        "production" if settings.production else "development (FINOPS_AI_ENV=production for the other)",
    )
    try:
        policy = load_policy(settings.policy_path)
    except PolicyError as error:
        yield "policy", False, str(error)
        return
    yield "policy", True, f"{settings.policy_path or 'as shipped'}, SHA-256 {policy.sha256[:12]}"
    for name, tier in policy.tiers.items():
        missing = _missing(tier, policy.sha256)
        yield f"tier {name}", not missing, f"{tier.engine}, {tier.model}" + (f": {missing}" if missing else "")
    if not_booked := policy.rates.not_booked:
        yield "rates", True, f"none for {', '.join(not_booked)}: such costs are in no figure"
    yield _alerts(settings)
    yield from _keys(settings.home / "keys")
    instance_file = settings.home / "dagster.yaml"
    changed = instance_file.exists() and instance_file.read_text() != shipped_file("dagster.yaml")
    yield "dagster.yaml", True, "differs from the one that ships with this version" if changed else "as shipped"
    yield "user", True, f"{settings.user} (an author of what is submitted; FINOPS_AI_USER names another)"


def _missing(tier: "Tier", policy_sha256: str) -> str:
    """What keeps a tier from being called; "" where nothing does."""
    from finops_ai.policy import price_of
    from finops_ai.store import today

    if tier.engine == "openai" and tier.api_key_env and not os.environ.get(tier.api_key_env):
        return f"the variable {tier.api_key_env} is not set"
    priced = price_of(tier, on=today(), policy_sha256=policy_sha256)
    return "" if priced else "no price is known, so it is never called; give one in the policy"


def _alerts(settings: Settings) -> tuple[str, bool, str]:
    """The addresses hold secrets: they are counted, and not shown."""
    if not settings.notify_urls.strip():
        return "alerts", True, "nobody is told of budgets (FINOPS_AI_NOTIFY_URLS names whom)"
    import apprise

    addresses = apprise.Apprise()
    readable = bool(addresses.add(settings.notify_urls))
    told = f"{len(addresses)} addresses" if readable else "FINOPS_AI_NOTIFY_URLS holds an address that cannot be read"
    return "alerts", readable, told


def _usage_events(settings: Settings) -> tuple[str, bool, str]:
    """Every file is read: figures over one that was damaged or lost would be wrong, or none."""
    from finops_ai.store import open_database
    from finops_ai.usage import damaged, registered

    with open_database(settings).read() as connection:
        files, wrong = len(list(registered(connection))), damaged(connection, settings.home)
    said = f"{len(wrong)} damaged or gone: {', '.join(wrong[:3])}" if wrong else "as they were written"
    return "usage events", not wrong, f"{files} files, {said}" if files else "none"


def _database(settings: Settings) -> tuple[str, bool, str]:
    from sqlalchemy.exc import SQLAlchemyError

    from finops_ai.store import open_database

    where = "PostgreSQL" if settings.postgres_url else f"SQLite, {settings.home / 'finops_ai.db'}"
    try:
        open_database(settings)
    except (SQLAlchemyError, OSError) as error:
        return "database", False, f"{where}: {str(error).splitlines()[0]}"
    return "database", True, where


def _keys(folder: Path) -> Iterator[tuple[str, bool, str]]:
    from finops_ai.provenance import is_private

    key = folder / "finops_ai.key"
    if not key.exists():
        yield "signing key", True, "made when something is first published"
    else:
        private = is_private(key)
        yield "signing key", private, f"{key}{'' if private else ' can be read by others: chmod 600'}"
