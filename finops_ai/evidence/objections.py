"""What speaks against a statement being held by its evidence: the veto that no model can overrule.

Belongs here: the comparison of a statement with the text that is said to hold it. Does not: finding that text (`support`),
asking a model. A missing number, date or name is decisive; that all of them are there proves nothing, so this only ever
takes away. On WiCE (development set) it takes two thirds of a model's false confirmations (`bench/evidence.py`).
"""

from collections.abc import Sequence
from itertools import pairwise

from finops_ai.evidence.values import Value, holds, values_in
from finops_ai.evidence.words import content_words, first_word, folded_words, holds_name, names_in, negations, stem

TURNED_WORDS_MIN = 2  # of the statement's words within reach of a negation that the statement does not have


def objections(statement: str, passages: Sequence[str], *, about: str = "") -> tuple[str, ...]:
    """Reasons, for a person; none: nothing was found that speaks against it.

    `passages`: the text said to hold the statement, best first. `about`: the whole source, where a name may stand that the
    passage replaces by a pronoun.
    """
    if not passages:
        return ("no passage to hold it",)
    return (
        *_missing_values(statement, passages),
        *_missing_names(statement, " ".join([*passages, about])),
        *_turned_round(statement, passages),
        *_swapped(statement, passages),
    )


def _missing_values(statement: str, passages: Sequence[str]) -> list[str]:
    there = [value for passage in passages for value in values_in(passage)]
    return [
        f"the {value.kind} {value.text!r} is not in the evidence"
        for value in values_in(statement)
        if not any(holds(given, value) for given in there)
    ]


def _missing_names(statement: str, evidence: str) -> list[str]:
    """The first word is no name for sure; where the evidence has it in no form at all, it is missing all the same."""
    words = folded_words(evidence)
    missing = [name for name in names_in(statement) if not holds_name(name, words)]
    counts = any(value.start == 0 for value in values_in(statement))  # "Three hundred people": compared as a number
    first = "" if counts else first_word(statement)
    if first and first not in missing and stem(first) not in set(map(stem, words)) and not holds_name(first, words):
        missing.insert(0, first)
    return [f"the name {name!r} is not in the evidence" for name in missing]


def _turned_round(statement: str, passages: Sequence[str]) -> list[str]:
    """A negation on one side only. In the evidence it counts where it turns words of the statement round."""
    own = negations(statement)
    theirs = negations(passages[0])
    if own and not any(negations(passage) for passage in passages):
        return [f"{own[0][0]!r} stands in the statement and not in the evidence"]
    words = set(content_words(statement))
    turned = [word for word, reach in theirs if len(reach & words) >= TURNED_WORDS_MIN]
    return [f"{turned[0]!r} stands in the evidence and not in the statement"] if turned and not own else []


def _swapped(statement: str, passages: Sequence[str]) -> list[str]:
    """Two numbers that change places while the words before them keep theirs: "A grew 5 %, B 7 %"."""
    own = [value for value in values_in(statement) if value.kind == "number"]
    for passage in passages:
        theirs = [value for value in values_in(passage) if value.kind == "number"]
        for one, two in pairwise(own):
            there = _order(one, two, theirs)
            if there and there == (1, 0) and _anchors_keep_order(statement, passage, one, two):
                return [f"{one.text!r} and {two.text!r} have changed places"]
    return []


def _order(one: Value, two: Value, values: Sequence[Value]) -> tuple[int, int] | None:
    """In which order the passage has both, or None where it has not both exactly once."""
    at_one = [n for n, value in enumerate(values) if (value.normal, value.unit) == (one.normal, one.unit)]
    at_two = [n for n, value in enumerate(values) if (value.normal, value.unit) == (two.normal, two.unit)]
    if len(at_one) != 1 or len(at_two) != 1 or at_one == at_two:
        return None
    return (0, 1) if at_one < at_two else (1, 0)


def _anchors_keep_order(statement: str, passage: str, one: Value, two: Value) -> bool:
    """What is said of each number, by the words before it that are not said of the other, stands in the statement's order."""
    before, between = content_words(statement[: one.start]), content_words(statement[one.end : two.start])
    of_one = [word for word in before if word not in between]
    of_two = [word for word in between if word not in before]
    stems = content_words(passage)
    places = [next((stems.index(word) for word in reversed(words) if word in stems), -1) for words in (of_one, of_two)]
    return 0 <= places[0] < places[1]
