"""The control map: which control of which framework a month's records support, and how often.

Belongs here: control ids, what evidences them, the counts. Does not: judging whether that is enough. A record supports a
control; whether an organisation complies with a framework is for its auditors to say, and nothing here says it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from finops_ai.governance.economics import Economics
from finops_ai.governance.model import Books
from finops_ai.governance.safeguards import Safeguards


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One step of the workflow and the ids that its records support, of NIST AI 600-1, ISO/IEC 42001, OWASP LLM 2025, EU AI Act."""

    step: str
    nist: str
    iso: str
    owasp: str
    eu: str
    evidence: Callable[["Month"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What evidence is counted from."""

    economics: Economics
    safeguards: Safeguards
    books: Books


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """A control with the evidence of one month."""

    control: Control
    evidence: str


def _gate(name: str, also: str = "") -> Callable[[Month], str]:
    def evidence(month: Month) -> str:
        passed, failed = month.safeguards.by_gate[name]
        return f"{name} gate: {passed} passed, {failed} stopped{also}"

    return evidence


def _retrieval(month: Month) -> str:
    found = month.safeguards
    return (
        f"{found.assessed} artifacts assessed, {found.addressed} with a source that addresses a model "
        f"({found.addressing_sources} sources)"
    )


def _approvals(month: Month) -> str:
    found = month.safeguards
    given = ", ".join(f"{role} {count}" for role, count in found.approvals.items()) or "none"
    refused = sum(d.verdict != "approve" for d in found.decisions)
    return f"approvals: {given}; {refused} requests for changes or rejections; {len(found.waiting)} wait"


def _publishing(month: Month) -> str:
    found = month.safeguards
    return (
        f"{found.with_statement} of {len(found.files)} published files with a signed statement; "
        f"{len(found.unguarded)} published against a gate"
    )


def _money(month: Month) -> str:
    found = month.economics
    held = f"{found.calls} calls held before they were made and booked after"
    return f"{held}, {found.overruns} above the hold or a budget; {found.unpriced} unpriced"


def _records(month: Month) -> str:
    books = month.books
    proof = "books balanced, hash chain whole" if not books.problems else f"{len(books.problems)} problems in the books"
    return f"{proof}; {'sealed' if books.seal_sha256 else 'not sealed yet'}"


CONTROLS = (
    Control(step="Intake: intent, impact, owner", nist="MAP 1.1, GV-1.3", iso="A.9.4, A.5.2", owasp="LLM06", eu="Art. 26",
            evidence=lambda month: f"{month.economics.submitted} briefs with intent, impact, owner and declared value"),
    Control(step="Source retrieval", nist="MS-2.5-005", iso="A.7.5", owasp="LLM01, LLM04, LLM08", eu="", evidence=_retrieval),
    Control(step="Policy and risk before spend", nist="MG-3.2-009", iso="A.5.2, A.9.2", owasp="LLM02, LLM06", eu="Art. 9",
            evidence=_gate("policy")),
    Control(step="Budgets and tiers", nist="MS-2.6-005", iso="A.4.2", owasp="LLM10", eu="", evidence=_money),
    Control(step="Claims and drafts", nist="MS-2.5-003, MS-2.3-003", iso="A.6.2.4", owasp="LLM05, LLM09", eu="Art. 50(4), Art. 15",
            evidence=_gate("quality", " before a reviewer saw them")),
    Control(step="Readiness for sign-off", nist="MS-2.6-004", iso="A.6.2.4", owasp="LLM05", eu="Art. 15",
            evidence=_gate("readiness")),
    Control(step="Human approval", nist="MG-3.2-008, MG-4.1-007", iso="A.3.2, A.9.2", owasp="LLM06", eu="Art. 14, Art. 50(4)",
            evidence=_approvals),
    Control(step="Publishing and provenance", nist="MS-2.8-003, MS-2.7-005", iso="A.6.2.8, A.8.2", owasp="LLM03",
            eu="Art. 50(2), Art. 50(4)", evidence=_publishing),
    Control(step="Records", nist="MG-4.1-002, MG-4.3-002", iso="A.6.2.6, A.8.4", owasp="LLM10", eu="Art. 26", evidence=_records),
    Control(step="Monthly review", nist="MG-4.2-001, MS-2.8-001", iso="cl. 9.3", owasp="", eu="",
            evidence=lambda _month: "this document"),
)  # fmt: skip


def supported_by(month: Month) -> list[Supported]:
    """Every control with what evidences it in the month."""
    return [Supported(control=control, evidence=control.evidence(month)) for control in CONTROLS]
