"""What every command shares: `--json`, errors with exit code 2, opening the records.

Belongs here: presentation common to commands. Does not: commands.
"""

import functools
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from finops_ai.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from finops_ai.orchestration.workbench import Workbench
    from finops_ai.policy import Policy
    from finops_ai.store import Database, ObjectStore

WRONG_INPUT = 2
FAILED = 1


class Refused(Exception):
    """Wrong input: shown with file, field and reason, exit code 2."""

    def __init__(self, problems: Sequence[dict[str, Any]] | str) -> None:
        self.problems = [{"reason": problems}] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem["reason"]) for problem in self.problems))


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json` and turn expected errors into one shape: text on stderr, or `{"error": [...]}` with --json."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
    @functools.wraps(function)
    def wrapped(*args: Any, as_json: bool, **kwargs: Any) -> Any:
        try:
            return function(*args, as_json=as_json, **kwargs)
        except Refused as error:
            fail(error.problems, as_json=as_json)
        except SettingsError as error:
            fail([{"reason": str(error)}], as_json=as_json)

    return wrapped


def fail(problems: Iterable[dict[str, Any]], *, as_json: bool) -> NoReturn:
    """Print what was wrong and exit with 2."""
    if as_json:
        print_json({"error": list(problems)})
    for problem in problems:
        place = ":".join(str(problem[key]) for key in ("file", "line") if problem.get(key))
        parts = [part for part in (place, problem.get("field"), problem["reason"]) if part]
        click.echo(f"error: {': '.join(parts)}", err=True)
    sys.exit(WRONG_INPUT)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def program() -> str:
    """How this program was called, for commands that people copy: `.venv/bin/finops-ai` where it is not on the PATH."""
    called = sys.argv[0]
    return called if called.endswith("finops-ai") and not shutil.which("finops-ai") else "finops-ai"


def console() -> Console:
    """For tables and progress. Wide enough for a table when the output is a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False, highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A plain table; columns named in `right` are aligned right."""
    grid = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    console().print(grid)


class Records:
    """What a command that only reads or signs needs: no Dagster."""

    def __init__(self, settings: Settings) -> None:
        from finops_ai.policy import PolicyError, load_policy
        from finops_ai.store import open_database, open_objects

        try:
            self.policy: Policy = load_policy(settings.policy_path)
        except PolicyError as error:
            raise Refused(str(error)) from None
        self.settings = settings
        self.database: Database = open_database(settings)
        self.objects: ObjectStore = open_objects(settings)


def open_records() -> Records:
    """The records of the deployment that the environment names."""
    return Records(load_settings())


def workbench() -> "Workbench":
    """What a command needs that does the work of a scheduled asset. It imports Dagster, which takes a second."""
    from finops_ai.orchestration.workbench import open_workbench
    from finops_ai.policy import PolicyError

    try:
        return open_workbench(load_settings())
    except PolicyError as error:
        raise Refused(str(error)) from None


@contextmanager
def known_artifact() -> Iterator[None]:
    """An artifact key that nobody registered is wrong input."""
    from finops_ai.briefs import UnknownArtifact

    try:
        yield
    except UnknownArtifact as error:
        raise Refused([{"field": "ARTIFACT", "reason": str(error)}]) from None
