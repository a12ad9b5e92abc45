"""What an offline check may say of one sentence, and why.

Belongs here: the rules from wording and sources to a verdict, as pure functions. Does not: finding sentences
(`splitting`), collecting them (`claims`). "confirmed" promises one thing: the source says so, in these words.
"""

from collections.abc import Iterable

from finops_ai.evidence.injection import addressing_a_model
from finops_ai.evidence.model import Grade, Source, Verdict
from finops_ai.evidence.wording import hedge, unnamed_source

_SECOND_LEVEL = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "govt", "ne", "net", "nom", "or", "org"}
)


def verdict_of(text: str, sources: Iterable[Source]) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on a sentence that stands in these sources, with at least one reason."""
    serious = [source for source in sources if source.grade != "rumor"]
    if not serious:
        return "rumor", ("only in sources graded as rumor",)
    if unnamed := unnamed_source(text):
        return "rumor", (f"attributed to nobody by name: {unnamed!r}",)
    if doubts := _doubts(text):
        return "needs_review", doubts
    return _support(serious)


def best_grade(sources: Iterable[Source]) -> Grade:
    """Primary before secondary before rumor."""
    grades = {source.grade for source in sources}
    return "primary" if "primary" in grades else "secondary" if "secondary" in grades else "rumor"


def independent_hosts(hosts: Iterable[str]) -> list[str]:
    """One host per site: www.a.org and docs.a.org are one voice, and so are all local files."""
    first_of: dict[str, str] = {}
    for host in hosts:
        first_of.setdefault(_site(host), host)
    return list(first_of.values())


def _doubts(text: str) -> tuple[str, ...]:
    order = addressing_a_model(text)
    hedged = hedge(text)
    return (
        *(f"addresses a model: {phrase!r}" for phrase in order[:1]),
        *((f"hedged: {hedged!r}",) if hedged else ()),
    )


def _support(sources: list[Source]) -> tuple[Verdict, tuple[str, ...]]:
    if any(source.grade == "primary" for source in sources):
        return "confirmed", ("primary source",)
    hosts = independent_hosts(source.host for source in sources)
    if len(hosts) >= 2:
        return "confirmed", (f"{len(hosts)} independent hosts: {', '.join(hosts)}",)
    return "needs_review", ("one independent host; a second or a primary source is missing",)


def _site(host: str) -> str:
    """The registered name, roughly: no public-suffix list is loaded, so unusual suffixes count as one site."""
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host  # an address is a site of its own
    has_second_level = len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if has_second_level else labels[-2:])
