"""What a site's robots.txt lets this program fetch, as RFC 9309 has it.

Belongs here: from the bytes of a robots.txt to a decision about an address. Does not: fetching it (`fetching`).
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from finops_ai.evidence.model import EvidenceError, Unreachable

if TYPE_CHECKING:
    from protego import Protego

AGENT = "finops_ai"
PATH = "/robots.txt"
BYTES_MAX = 500 * 1024  # what a parser has to read at least (RFC 9309, 2.5)
REDIRECTS_MAX = 5
_CRAWL_DELAY_MAX_S = 10.0
_AGENT_LINE = re.compile(r"\s*user(?:-|\s+)?agent(?:\s*:|\s)\s*(\*|[a-z_-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """The rules of one scheme and authority; without any, everything is allowed."""

    rules: "Protego | None" = None
    closed: str = ""  # why nothing at all may be fetched
    wait_s: float | None = None  # when closed: how long the server asked to wait

    @property
    def crawl_delay_s(self) -> float:
        """Between two requests; 0 when the site asks for none."""
        delay_s = self.rules.crawl_delay(AGENT) if self.rules else None
        return min(delay_s or 0.0, _CRAWL_DELAY_MAX_S)

    def check(self, url: str, *, host: str, path: str) -> None:
        """Raises EvidenceError when the address may not be fetched."""
        if self.closed:
            raise Unreachable(self.closed, wait_s=self.wait_s)
        if self.rules and not self.rules.can_fetch(url, AGENT):
            raise EvidenceError(f"{host}'s robots.txt does not allow {path}")


def parse(content: bytes) -> Robots:
    """Never fails: what is no rule is passed over."""
    from protego import Protego

    if len(content) >= BYTES_MAX:
        content = content.rpartition(b"\n")[0]  # half a rule may allow more than the whole
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    return Robots(rules=Protego.parse("\n".join(map(_with_known_agent, lines))))


def _with_known_agent(line: str) -> str:
    """Every other program under one name: the parser keeps a copy of each rule for each name, and 40 kB of names and
    rules would take 150 MB and many seconds.
    """
    found = _AGENT_LINE.match(line)
    if not found:
        return line
    name = found[1].lower()
    return f"User-agent: {name if name in {'*', AGENT} else 'other'}"
