"""`evidence`, `desk` and `ui` as a person at a terminal meets them."""

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from click.testing import CliRunner, Result
from lxml import html

from finops_ai.cli import main
from finops_ai.cli.evidence import ROWS_SHOWN_MAX, _show, printable
from finops_ai.dossier import Dossier
from finops_ai_tests.cli.conftest import Shell
from finops_ai_tests.deployment import NOTES, RUMOR, Deployment, deployment, write_brief
from finops_ai_tests.dossier.inputs import claim_of, failed, source_of

Invoke = Callable[..., Result]
MANY = "\n".join(f"Machine number {n} of the cluster was switched on in the year {1900 + n}." for n in range(60))
STRANGE = "The [red]loud[/red] [/gone] machine was moved to hall 7 in the year 1999."


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, str]]:
    """One artifact with more claims than a terminal shows at once; nothing below changes it."""
    with deployment(tmp_path_factory.mktemp("evidence")) as made:
        artifact = made.submit()
        (made.folder / "notes.md").write_text(f"{NOTES}\n\n{MANY}\n\n{STRANGE}\n")
        made.lane.run(artifact, "produce")
        yield made, artifact


@pytest.fixture
def invoke(made: tuple[Deployment, str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.setenv("FINOPS_AI_HOME", str(made[0].bench.settings.home))
    monkeypatch.setenv("FINOPS_AI_DESK_URL", "https://desk.example/")

    def call(*arguments: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def test_a_terminal_shows_sources_the_first_claims_and_where_they_stand(
    invoke: Invoke, made: tuple[Deployment, str]
) -> None:
    shown = invoke("evidence", made[1]).stdout
    base = f"https://desk.example/evidence/{made[1]}/"
    assert f"links lead to {base}" in shown
    assert "Notes of the capacity review" in shown
    assert "source-1.html#c-" in shown
    assert shown.count("#c-") == ROWS_SHOWN_MAX
    assert "… and 26 more (--all shows them)" in shown
    assert "66 confirmed, 1 rumor" in shown
    assert f"rumors: {base}rumors.html" in shown
    assert "zebra" not in shown
    everything = invoke("evidence", made[1], "--all").stdout
    assert everything.count("#c-") == 66
    assert "more" not in everything.partition("verdict")[2].partition("--all")[1]


def test_brackets_in_a_strangers_text_are_no_markup(invoke: Invoke, made: tuple[Deployment, str]) -> None:
    shown = " ".join(invoke("evidence", made[1], "--all").stdout.split())
    assert "The [red]loud[/red] [/gone] machine" in shown


def test_nothing_of_a_stranger_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Titles, reasons and errors are theirs too, whatever was cleaned before it was stored."""
    orders = "\x1b[2J\x1b]0;owned\x07\u202e"
    source = source_of("a.md", "Text.", title=orders, host=orders, published=orders, warnings=(orders,))
    claim = claim_of("Text.", "needs_review", {"a.md": (source, "Text.")}, reasons=(orders,))
    stranger = replace(claim, text=orders)
    of = Dossier(artifact="a", topic=orders, sources=(source, failed("b", orders)), claims=(stranger,), note=orders)
    _show(of, "https://desk.example/evidence/a/", rows_max=9)
    shown = capsys.readouterr().out
    assert "[2J" in shown
    assert {character for character in shown if not character.isprintable()} == {"\n"}


@pytest.mark.parametrize(
    "control", ["\x1b[2J", "\x9b2J", "\r", "\n", "\x07", "\u202e", "\u2066", "\u200b", "\U000e0041"]
)
def test_what_a_terminal_would_obey_is_not_printed(control: str) -> None:
    assert printable(f"a{control}b").isprintable()


def test_as_json_every_source_and_every_claim_is_a_record_with_its_link(
    invoke: Invoke, made: tuple[Deployment, str]
) -> None:
    found = json.loads(invoke("evidence", made[1], "--json").stdout)
    base = f"https://desk.example/evidence/{made[1]}/"
    assert (found["artifact"], found["link"], found["note"]) == (made[1], base, "")
    assert [(source["number"], source["grade"], source["link"]) for source in found["sources"]] == [
        (1, "primary", f"{base}source-1.html"),
        (2, "rumor", f"{base}source-2.html"),
    ]
    assert [claim["verdict"] for claim in found["claims"]] == ["confirmed"] * 66 + ["rumor"]
    for claim in found["claims"]:
        number = [source["uri"] for source in found["sources"]].index(claim["sources"][0]) + 1
        assert claim["links"] == [f"{base}source-{number}.html#{claim['id']}"]
    assert found["claims"][-1]["text"] == RUMOR


def test_the_pages_are_files_that_need_no_server(invoke: Invoke, made: tuple[Deployment, str], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "evidence"
    assert invoke("evidence", made[1], "--html", folder).stdout.strip() == str(folder / "index.html")
    names = {"index.html", "rumors.html", "source-1.html", "source-2.html"}
    assert {path.name for path in folder.iterdir()} == names
    for path in folder.iterdir():
        for href in html.document_fromstring(path.read_text()).xpath("//a/@href"):
            assert href.partition("#")[0] in names, "no page leads back to a server"
    again = invoke("evidence", made[1], "--html", folder, "--json").stdout
    assert json.loads(again) == {"index": str(folder / "index.html")}
    assert {path.name for path in folder.iterdir()} == names


def test_a_folder_that_cannot_be_written_is_wrong_input(
    invoke: Invoke, made: tuple[Deployment, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = invoke("evidence", made[1], "--html", tmp_path / "file", code=2)
    assert "--html" in result.stderr


def test_an_unknown_artifact_is_wrong_input(invoke: Invoke) -> None:
    problem = json.loads(invoke("evidence", "nobody", "--json", code=2).stdout)["error"][0]
    assert (problem["field"], "no artifact nobody" in problem["reason"]) == ("ARTIFACT", True)


def test_an_artifact_without_claims_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))
    runner = CliRunner()
    submitted = runner.invoke(main, ["submit", str(write_brief(tmp_path)), "--json"])
    artifact = json.loads(submitted.stdout)[0]["artifact"]
    result = runner.invoke(main, ["evidence", artifact], catch_exceptions=False)
    assert result.exit_code == 0
    assert "waits for a first run" in result.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def eventually(address: str, *, seconds: float = 90) -> str:
    """What stands there as soon as something answers."""
    ends = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def test_the_desk_serves_until_it_is_interrupted(shell: Shell, tmp_path: Path) -> None:
    artifact = shell.json("submit", str(write_brief(tmp_path)))[0]["artifact"]
    port = free_port()
    process = shell.start("desk", "--port", str(port))
    try:
        assert artifact in eventually(f"http://127.0.0.1:{port}/")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert f"http://127.0.0.1:{port}" in out
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("arguments", [("desk", "--port"), ("ui", "--desk-port"), ("ui", "--port")])
def test_a_taken_port_is_said_at_once(arguments: tuple[str, str], shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        other = ["--port", str(free_port())] if arguments == ("ui", "--desk-port") else []
        message = shell(*arguments, port, *other, code=2)
    assert arguments[1] in message
    assert f"port {port}" in message


def test_the_web_ui_brings_the_desk_and_takes_it_along(shell: Shell, tmp_path: Path) -> None:
    """Ended by one signal to its process, as a service manager ends it."""
    artifact = shell.json("submit", str(write_brief(tmp_path)))[0]["artifact"]
    port, desk_port = free_port(), free_port()
    command = [sys.executable, "-c", "from finops_ai.cli import main; main()", "ui"]
    process = Popen(
        [*command, "--port", str(port), "--desk-port", str(desk_port)],
        env=shell.environment() | {"FINOPS_AI_HOME": str(shell.home)},
        cwd=tmp_path,
        stdout=PIPE,
        stderr=(tmp_path / "log").open("w"),
        text=True,
        start_new_session=True,
    )
    try:
        assert artifact in eventually(f"http://127.0.0.1:{desk_port}/")
        eventually(f"http://127.0.0.1:{port}/server_info")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert f"http://127.0.0.1:{desk_port}" in out
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{desk_port}/", timeout=5)
