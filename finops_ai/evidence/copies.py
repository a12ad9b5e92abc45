"""Who speaks with a voice of their own: corroboration counts independent hosts, not copies.

Belongs here: which sources are one voice. Does not: what a voice is worth (`verdicts`). One voice are: the hosts of one
registered name, all local files, a page and the original that it names in its canonical link, and long texts that are
nearly the same, wherever they stand (a press release on ten sites is one statement).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from urllib.parse import urlsplit

from finops_ai.evidence.model import Source

COPY_SENTENCES_MIN = 8  # of the shorter text: a few equal sentences may well be quoted by two who checked them
COPY_SHARE_MIN = 0.8  # of the shorter text's sentences

_SECOND_LEVEL = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "govt", "ne", "net", "nom", "or", "org"}
)


def voices(sources: Sequence[Source], sentences: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """For each uri the site that speaks there. `sentences`: by uri, the keys of the sentences that stand there."""
    site_of = {source.uri: site(source.host) for source in sources}
    joined = {name: name for name in site_of.values()}
    for source in sources:
        if original := urlsplit(source.canonical_url).hostname:
            _join(joined, site(source.host), site(original))
    for one, other in combinations(sentences, 2):
        if site_of[one] != site_of[other] and _are_copies(sentences[one], sentences[other]):
            _join(joined, site_of[one], site_of[other])
    return {uri: _root(joined, name) for uri, name in site_of.items()}


def site(host: str) -> str:
    """The registered name, roughly: no public-suffix list is loaded, so unusual suffixes count as one site."""
    labels = host.split(".")
    if ":" in host or labels[-1].isdigit():
        return host  # an address is a site of its own
    has_second_level = len(labels) >= 3 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if has_second_level else labels[-2:])


def _are_copies(one: frozenset[str], other: frozenset[str]) -> bool:
    shorter = min(len(one), len(other))
    return shorter >= COPY_SENTENCES_MIN and len(one & other) >= COPY_SHARE_MIN * shorter


def _join(joined: dict[str, str], one: str, other: str) -> None:
    joined.setdefault(other, other)
    first, second = sorted((_root(joined, one), _root(joined, other)))
    joined[second] = first


def _root(joined: Mapping[str, str], name: str) -> str:
    while joined[name] != name:
        name = joined[name]
    return name
