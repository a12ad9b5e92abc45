"""`evidence`: what was found in an artifact's sources, and where.

Belongs here: this command: tables, records, or the pages as files. Does not: the pages (`dossier`), any verdict.
"""

import os
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from finops_ai.cli.shared import Records, Refused, command, known_artifact, open_records, print_json, print_table

if TYPE_CHECKING:
    from finops_ai.dossier import Dossier
    from finops_ai.evidence import Claim, Source

ROWS_SHOWN_MAX = 40
TEXT_SHOWN_MAX = 400  # characters of a claim in the terminal; the page has all of them


@click.command()
@click.argument("artifact")
@click.option("--html", "folder", type=click.Path(path_type=Path), help="Write the pages into this folder instead.")
@click.option("--all", "show_all", is_flag=True, help=f"Every claim, not the first {ROWS_SHOWN_MAX}.")
@command
def evidence(artifact: str, folder: Path | None, *, show_all: bool, as_json: bool) -> None:
    """Sources and claims of an artifact, with a link to the place of each claim in its source's text.

    What needs eyes comes first: contradicted, needs review, confirmed. The links are those of the desk (`finops-ai desk`);
    with --html the same pages are files that need no server.

    \b
    Example:
      finops-ai evidence what-prefix-caching-costs-0123456789 --html evidence/
    """
    from finops_ai.desk import dossier_of

    records = open_records()
    with known_artifact(), records.database.read() as connection:
        dossier = dossier_of(connection, records.objects, records.policy, artifact)
    address = f"{records.settings.desk_url}/evidence/{quote(artifact, safe='')}/"
    if folder:
        index = _write(records, dossier, folder)
        print_json({"index": str(index)}) if as_json else click.echo(index)
    elif as_json:
        print_json(_as_json(dossier, address))
    else:
        _show(dossier, address, rows_max=len(dossier.claims) if show_all else ROWS_SHOWN_MAX)


def _write(records: Records, dossier: "Dossier", folder: Path) -> Path:
    from finops_ai.desk import texts_of
    from finops_ai.dossier import INDEX, pages

    whole = replace(dossier, texts=texts_of(records.objects, dossier.sources))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, page in pages(whole).items():
            _write_whole(folder / name, page())
    except OSError as error:
        raise Refused([{"field": "--html", "reason": f"{error.filename}: {error.strerror}"}]) from None
    return folder / INDEX


def _write_whole(path: Path, text: str) -> None:
    """A browser that looks meanwhile sees the page of before or the new one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".tmp", delete=False) as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    Path(file.name).replace(path)


def _as_json(dossier: "Dossier", address: str) -> dict[str, object]:
    from finops_ai.dossier import in_order, source_name

    links = _links(dossier)
    return {
        "artifact": dossier.artifact,
        "topic": dossier.topic,
        "note": dossier.note,
        "link": address,
        "sources": [
            {"number": number, "link": address + source_name(number), **source.as_record()}
            for number, source in enumerate(dossier.sources, start=1)
        ],
        "claims": [
            {"links": [address + link for link in links[claim.id]], **claim.as_record()}
            for claim in in_order(dossier.claims)
        ],
    }


def _links(dossier: "Dossier") -> dict[str, list[str]]:
    """By claim: where it stands, relative to the index."""
    from finops_ai.dossier import places_of

    places = places_of(dossier)
    return {
        claim.id: [places[found].href for found in zip(claim.sources, claim.evidence, strict=True) if found in places]
        for claim in dossier.claims
    }


def _show(dossier: "Dossier", address: str, *, rows_max: int) -> None:
    from finops_ai.dossier import RUMORS, counts, in_order, label_of

    found = counts(dossier.claims)
    click.echo(f"{dossier.artifact}  ({printable(dossier.topic)})")
    if dossier.note:
        click.echo(printable(dossier.note))
    click.echo(f"links lead to {address}\n")
    _show_sources(dossier, address)
    claims = [claim for claim in in_order(dossier.claims) if claim.verdict != "rumor"]
    if claims:
        click.echo()
        _show_claims(claims[:rows_max], _links(dossier), address)
    if len(claims) > rows_max:
        click.echo(f"… and {len(claims) - rows_max} more (--all shows them)")
    if found:
        click.echo("\n" + ", ".join(f"{count} {label_of(verdict)}" for verdict, count in found.items()))
    if found.get("rumor"):
        click.echo(f"rumors: {address}{RUMORS}")


def _show_sources(dossier: "Dossier", address: str) -> None:
    from finops_ai.dossier import counts, label_of, source_name, title_of

    def row(number: int, source: "Source") -> tuple[str, ...]:
        claims = counts(claim for claim in dossier.claims if source.uri in claim.sources)
        return (
            str(number),
            _cell(title_of(source)),
            source.grade,
            _cell(source.host),
            _cell(source.published[:10]),
            ", ".join(f"{count} {label_of(verdict)}" for verdict, count in claims.items()),
            _cell(_state(source)),
            _linked(source_name(number), address),
        )

    columns = ("#", "source", "grade", "host", "dated", "claims", "state", "link")
    print_table(columns, [row(number, source) for number, source in enumerate(dossier.sources, start=1)], right=("#",))


def _state(source: "Source") -> str:
    if source.error:
        return f"excluded: {source.error}"
    state = f"unchanged; spared: {source.reused}" if source.reused else "retrieved"
    return "; ".join([state, *source.warnings])


def _show_claims(claims: "Iterable[Claim]", links: dict[str, list[str]], address: str) -> None:
    from finops_ai.dossier import label_of

    rows = [
        (
            label_of(claim.verdict),
            _cell(claim.text),
            _cell("; ".join(claim.reasons)),
            _linked(links[claim.id][0], address) if links[claim.id] else "(an earlier text)",
        )
        for claim in claims
    ]
    print_table(("verdict", "claim", "why", "link"), rows)


def _linked(href: str, address: str) -> str:
    """Clickable where the terminal knows links; elsewhere the address printed above goes before it."""
    return f"[link={address}{href}]{href}[/link]"


def _cell(text: str) -> str:
    """A stranger's text in a table: its brackets are no markup."""
    from rich.markup import escape

    shown = printable(text)
    return escape(shown if len(shown) <= TEXT_SHOWN_MAX else f"{shown[:TEXT_SHOWN_MAX]}…")


def printable(text: str) -> str:
    """Nothing that could move a terminal's cursor, change its colours or turn its direction of writing."""
    return "".join(character if character.isprintable() else " " for character in text)
