"""The pages: whole HTML documents that need no script, no other file and no network.

Belongs here: what each page is given, and its name. Does not: markup (`templates`). Every word on them may be a stranger's:
the templates escape everything, and a policy in each page forbids scripts, forms and outside addresses.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from finops_ai.dossier.marking import differing, orders_in, runs_of
from finops_ai.dossier.model import SHOWN_FIRST, Dossier, counts, label_of, title_of
from finops_ai.dossier.places import Place, marks_of, places_of, source_name
from finops_ai.evidence import Claim, Passage, Source

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX, RUMORS = "index.html", "rumors.html"
_WEB_ADDRESS = re.compile(r"https?://", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One artifact in the list of all."""

    artifact: str
    topic: str
    state: str
    waiting_for: str
    sources: int
    claims: Mapping[str, int]  # by verdict
    href: str


def pages(dossier: Dossier) -> dict[str, Callable[[], str]]:
    """Every page by its name; a page is made when it is asked for. They lead to each other by these names alone."""
    numbers = range(1, len(dossier.sources) + 1)
    return {
        INDEX: partial(index_page, dossier),
        RUMORS: partial(rumors_page, dossier),
        **{source_name(number): partial(source_page, dossier, number) for number in numbers},
    }


def index_page(dossier: Dossier) -> str:
    """Sources, and every claim but the rumors."""
    by_source: dict[str, list[Claim]] = {}
    for claim in dossier.claims:
        for uri in dict.fromkeys(claim.sources):
            by_source.setdefault(uri, []).append(claim)
    groups = {
        verdict: found
        for verdict in SHOWN_FIRST
        if verdict != "rumor" and (found := [claim for claim in dossier.claims if claim.verdict == verdict])
    }
    return _render("index", dossier=dossier, by_source=by_source, groups=groups, links=_Links(places_of(dossier)))


def source_page(dossier: Dossier, number: int) -> str:
    """The stored text of a source with its claims marked. Raises IndexError where no source has this number."""
    if number < 1:
        raise IndexError(number)
    source = dossier.sources[number - 1]
    marks = marks_of(dossier, source)
    text = dossier.texts.get(source.text_sha256)
    runs = runs_of(text, marks, source) if text is not None else None
    claims = {mark.claim.id: mark.claim for mark in marks}.values()
    return _render("source", dossier=dossier, source=source, number=number, runs=runs, claims=claims)


def rumors_page(dossier: Dossier) -> str:
    """What never reaches a prompt, a draft or a published file."""
    rumors = [claim for claim in dossier.claims if claim.verdict == "rumor"]
    return _render("rumors", dossier=dossier, rumors=rumors, links=_Links(places_of(dossier)))


def artifacts_page(artifacts: Sequence[Listed], *, newer: str = "", older: str = "") -> str:
    """Artifacts with their states. `newer`, `older`: addresses of the lists before and after this one."""
    return _render("artifacts", artifacts=artifacts, newer=newer, older=older)


def message_page(title: str, text: str, *, home: str = "") -> str:
    """A page that says one thing."""
    return _render("message", title=title, text=text, home=home)


@dataclass(frozen=True, slots=True)
class _Links:
    """What the templates ask about places."""

    places: Mapping[tuple[str, Any], Place]

    def evidence(self, claim: Claim) -> list[tuple[str, Place | None]]:
        """Every place of a claim with its uri; None where the source has another text by now."""
        pairs = zip(claim.sources, claim.evidence, strict=True)
        return [(uri, self.places.get((uri, span))) for uri, span in pairs]

    def passage(self, passage: Passage) -> Place | None:
        """Where a passage stands."""
        return self.places.get((passage.uri, passage.span))


def claim_address(claim: Claim) -> str:
    """The row of a claim on the page that lists it."""
    return f"{RUMORS if claim.verdict == 'rumor' else INDEX}#{claim.id}"


def size(count: int) -> str:
    """Bytes as people say them, in thousands."""
    if count < 1000:
        return f"{count} B"
    thousands = count / 1000
    return f"{thousands:.0f} kB" if thousands < 1000 else f"{thousands / 1000:.1f} MB"


def minute(time: str) -> str:
    """An ISO 8601 time to the minute; a day stays a day."""
    return time[:16].replace("T", " ")


def is_web(uri: str) -> bool:
    """Whether a browser may be sent there; anything else, `javascript:` first of all, is text."""
    return bool(_WEB_ADDRESS.match(uri))


def other_warnings(source: Source) -> list[str]:
    """Those that are not about text for a model."""
    return [warning for warning in source.warnings if not orders_in([warning])]


def _render(template: str, **values: Any) -> str:
    return _templates().get_template(f"{template}.html.j2").render(values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("finops_ai.dossier"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        INDEX=INDEX, RUMORS=RUMORS, source_name=source_name, counts=counts, differing=differing, is_web=is_web
    )
    environment.filters.update(
        address=claim_address,
        label=label_of,
        minute=minute,
        name=title_of,
        orders=lambda source: orders_in(source.warnings),
        other_warnings=other_warnings,
        size=size,
    )
    return environment
