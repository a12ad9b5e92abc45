"""What an offline check may say of one sentence, and why.

Belongs here: the rules from wording and sources to a verdict, as pure functions. Does not: finding sentences
(`splitting`), collecting them (`claims`), who is a voice of their own (`copies`). "confirmed" promises one thing: the
source says so, in these words.
"""

from collections.abc import Mapping, Sequence

from finops_ai.evidence.copies import site
from finops_ai.evidence.injection import addressing_a_model, speaks_to_its_reader
from finops_ai.evidence.language import is_known
from finops_ai.evidence.model import ADDRESSES_A_MODEL, Grade, Source, Verdict
from finops_ai.evidence.wording import forecast, hedge, opinion, request, unnamed_source

SECOND_VOICE_MISSING = "one independent host; a second or a primary source is missing"


def verdict_of(
    text: str, sources: Sequence[Source], *, voices: Mapping[str, str], tainted: bool = False
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on a sentence that stands in these sources, with at least one reason.

    `voices`: by uri (see `copies.voices`). `tainted`: the sentence stands in a paragraph that addresses a model.
    """
    serious = [source for source in sources if source.grade != "rumor"]
    if not serious:
        return "rumor", ("only in sources graded as rumor",)
    if unnamed := unnamed_source(text):
        return "rumor", (f"attributed to nobody by name: {unnamed!r}",)
    if doubts := _doubts(text, tainted=tainted):
        return "needs_review", doubts
    return _support(serious, voices)


def best_grade(sources: Sequence[Source]) -> Grade:
    """Primary before secondary before rumor."""
    grades = {source.grade for source in sources}
    return "primary" if "primary" in grades else "secondary" if "secondary" in grades else "rumor"


def _doubts(text: str, *, tainted: bool) -> tuple[str, ...]:
    found = {
        ADDRESSES_A_MODEL: next(iter(addressing_a_model(text)), ""),
        "hedged": hedge(text),
        "a forecast": forecast(text),
        "an opinion": opinion(text),
    }
    if not found[ADDRESSES_A_MODEL]:
        found["a request"] = request(text)
    doubts = [f"{name}: {words!r}" for name, words in found.items() if words]
    if not doubts and speaks_to_its_reader(text):
        doubts.append("speaks to its reader, or of one that is a machine, instead of stating a matter")
    if not is_known(text):
        doubts.append("in a language whose hedges are not known here")
    if tainted and not found[ADDRESSES_A_MODEL]:
        doubts.append(f"stands beside text that {ADDRESSES_A_MODEL}")
    return tuple(doubts)


def _support(serious: Sequence[Source], voices: Mapping[str, str]) -> tuple[Verdict, tuple[str, ...]]:
    """A source that addresses a model supports nothing by itself: whoever wrote that may have written more."""
    trusted = [source for source in serious if not source.addresses_a_model]
    if not trusted:
        return "needs_review", (f"only in a source that {ADDRESSES_A_MODEL}",)
    if any(source.grade == "primary" for source in trusted):
        return "confirmed", ("primary source",)
    by_voice: dict[str, str] = {}
    for source in trusted:
        by_voice.setdefault(voices[source.uri], source.host)
    if len(by_voice) >= 2:
        return "confirmed", (f"{len(by_voice)} independent hosts: {', '.join(by_voice.values())}",)
    sites = {site(source.host) for source in trusted}
    copied = f" ({len(sites)} sites carry copies of one text)" if len(sites) > 1 else ""
    return "needs_review", (SECOND_VOICE_MISSING + copied,)
