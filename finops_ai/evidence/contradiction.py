"""Two sources that say the same sentence with another number: neither can be relied on until a person has looked.

Belongs here: one narrow rule. Does not: paraphrases, negations, arithmetic; they are left to a reviewer.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from finops_ai.evidence.model import Claim

_MONTHS = "january february march april may june july august september october november december"
_VALUE = re.compile(rf"[($€£¥]*[+-]?\d[\d.,:/%-]*[\w%]*[).,;:!]*|(?:{_MONTHS.replace(' ', '|')})[.,]?", re.I)
_LABELS = frozenset(
    [
        "appendix",
        "chapter",
        "equation",
        "example",
        "figure",
        "fig.",
        "item",
        "listing",
        "page",
        "part",
        "phase",
        "scenario",
        "section",
        "step",
        "table",
        "version",
    ]
)
_FRAMES = frozenset(
    ["after", "as", "at", "before", "between", "by", "during", "for", "from", "in", "on", "since", "through", "until"]
)
FRAME_TOKENS_MAX = 3  # "In 2021 the plant …" and "In 2022 the plant …" are two facts, not a quarrel

Masked = tuple[int, tuple[str, ...]]


def contradictions(claims: Iterable[Claim]) -> dict[str, tuple[str, ...]]:
    """Reasons by claim id. Rumors are no party: one could otherwise take down any fact."""
    rivals: defaultdict[Masked, list[tuple[str, Claim]]] = defaultdict(list)
    for claim in claims:
        if claim.verdict != "rumor":
            for masked, value in _masked(claim.text.split()):
                rivals[masked].append((value, claim))
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for group in rivals.values():
        for value, claim in group:
            for other_value, other in group:
                if value != other_value and not set(claim.sources) & set(other.sources):
                    reasons[claim.id].append(
                        f"{value!r} here, {other_value!r} in {', '.join(dict.fromkeys(other.sources))}"
                    )
    return {claim_id: tuple(dict.fromkeys(found)) for claim_id, found in reasons.items()}


def _masked(tokens: Sequence[str]) -> Iterator[tuple[Masked, str]]:
    """The sentence with one value taken out, for each value that could be disputed."""
    for index, token in enumerate(tokens):
        if _VALUE.fullmatch(token) and not _is_context(tokens, index):
            yield (index, (*tokens[:index], *tokens[index + 1 :])), token.strip("().,;:!")


def _is_context(tokens: Sequence[str], index: int) -> bool:
    """A label ("Table 3") or the frame a sentence begins with ("In 2021, …") says what it is about."""
    if index and tokens[index - 1].lower() in _LABELS:
        return True
    return index < FRAME_TOKENS_MAX and tokens[0].lower() in _FRAMES
