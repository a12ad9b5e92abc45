"""The figures of a review: name, unit, formula, the value from the month's values and the rows that it can be computed from.

Belongs here: one line per figure. Does not: arithmetic (`economics`, `safeguards`), rows (`rows`), pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from finops_ai.governance.economics import Economics, percentile
from finops_ai.governance.model import Ratio
from finops_ai.governance.rows import Term
from finops_ai.governance.safeguards import Safeguards

FigureUnit = Literal["count", "usd", "usd_each", "share", "seconds", "tokens", "ratio"]
Part = Literal["technology", "security", "finance"]
Value = int | Ratio | None


class Of(NamedTuple):
    """What a figure is taken from."""

    economics: Economics
    safeguards: Safeguards


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A figure of every month."""

    id: str
    part: Part
    name: str
    unit: FigureUnit
    formula: str
    value: Callable[[Of], Any]
    of: tuple[Term, ...]  # whose sum it is
    per: tuple[Term, ...] = ()  # over whose sum, for a ratio
    better: Literal["up", "down", ""] = ""  # which way is good


def _define(part: Part) -> Callable[..., Definition]:
    def define(
        name: str, what: str, unit: FigureUnit, formula: str, value: Callable[[Of], Any],
        of: Term | tuple[Term, ...], per: Term | tuple[Term, ...] | None = None, better: Literal["up", "down", ""] = "",
    ) -> Definition:  # fmt: skip
        return Definition(
            id=name,
            part=part,
            name=what,
            unit=unit,
            formula=formula,
            value=value,
            of=_terms(of),
            per=_terms(per),
            better=better,
        )

    return define


def _terms(given: Term | tuple[Term, ...] | None) -> tuple[Term, ...]:
    return () if given is None else (given,) if isinstance(given, Term) else given


def _count(table: str, where: tuple[str, str] | None = None) -> Term:
    return Term(table, how="count", where=where)


_OUTCOMES, _COST, _SUSPENSE = _count("outcomes"), Term("work", "cost"), Term("suspense", "amount")
_technology, _security, _finance = _define("technology"), _define("security"), _define("finance")

TECHNOLOGY = (
    _technology("published", "Published", "count", "artifacts with a first receipt in the month",
                lambda of: of.economics.published, Term("outcomes", "published"), None, "up"),
    _technology("submitted", "Submitted", "count", "briefs taken in during the month",
                lambda of: of.economics.submitted, _count("submitted")),
    _technology("open", "Open at the end", "count", "artifacts without an outcome when the month ended",
                lambda of: of.economics.open, _count("open"), None, "down"),
    _technology("rejected", "Rejected", "count", "artifacts that a reviewer rejected",
                lambda of: of.economics.rejected, Term("outcomes", "rejected"), None, "down"),
    _technology("held", "Held for a person", "count", "artifacts that stopped in the month and still stood when it ended",
                lambda of: of.economics.held, Term("outcomes", "held"), None, "down"),
    _technology("failed", "Failed", "count", "artifacts whose last step failed and may pass when tried again",
                lambda of: of.economics.failed, Term("outcomes", "failed"), None, "down"),
    _technology("first-pass-yield", "First-pass yield", "share", "published from the first loop ÷ all outcomes of the month",
                lambda of: of.economics.first_pass_yield, Term("outcomes", "first_pass"), _OUTCOMES, "up"),
    _technology("cycle-p50", "Cycle time, median", "seconds", "from submission to the first receipt, of what was published",
                lambda of: percentile(of.economics.cycle_seconds, 50), Term("outcomes", "cycle_s", "p50"), None, "down"),
    _technology("cycle-p90", "Cycle time, 90th percentile", "seconds", "as above; nine of ten took no longer",
                lambda of: percentile(of.economics.cycle_seconds, 90), Term("outcomes", "cycle_s", "p90"), None, "down"),
    _technology("rework-loops", "Loops of rework", "count", "loops after the first that were paid for in the month",
                lambda of: of.economics.rework_loops, _count("rework"), None, "down"),
    _technology("step-failures", "Failures of steps", "count", "runs of a step that raised, whether they passed later or not",
                lambda of: len(of.safeguards.failures), _count("failures"), None, "down"),
    _technology("calls", "Model calls", "count", "calls booked in the month, each attempt by itself",
                lambda of: of.economics.calls, Term("work", "calls")),
    _technology("overrun-rate", "Reservation overrun rate", "share", "calls that cost more than was held, or than a budget had "
                "left ÷ calls", lambda of: of.economics.overrun_rate, Term("work", "overruns"), Term("work", "calls"), "down"),
)  # fmt: skip

SECURITY = (
    *(_security(f"stopped-{gate}", f"Stopped by the {gate} gate", "share", f"failed verdicts of the {gate} gate ÷ all of its verdicts",
                lambda of, gate=gate: Ratio(of.safeguards.by_gate[gate][1], sum(of.safeguards.by_gate[gate])),
                Term("verdicts", "stopped", where=("gate", gate)), _count("verdicts", ("gate", gate)))
      for gate in ("policy", "quality", "readiness")),
    _security("blocked", "Verdicts that stopped an artifact", "count", "failed verdicts of all gates",
              lambda of: of.safeguards.blocked, Term("verdicts", "stopped")),
    _security("against-gates", "Published against a gate", "count", "published although a required gate had failed or had no "
              "verdict when the permit was taken; the permit refuses that, so it must be 0",
              lambda of: len(of.safeguards.unguarded), Term("outcomes", "unguarded"), None, "down"),
    _security("addressing-sources", "Sources that address a model", "count", "sources with text meant for a model, seen or hidden",
              lambda of: of.safeguards.addressing_sources, Term("sources", "addressing_sources"), None, "down"),
    _security("addressed-share", "Artifacts with such a source", "share", "artifacts with at least one ÷ artifacts assessed",
              lambda of: Ratio(of.safeguards.addressed, of.safeguards.assessed), Term("sources", "affected"), _count("sources"), "down"),
    _security("approvals", "Approvals", "count", "approvals by people and by policy",
              lambda of: sum(of.safeguards.approvals.values()), Term("decisions", "approve")),
    _security("changes-requested", "Changes requested", "count", "decisions that asked for changes",
              lambda of: sum(d.verdict == "request_changes" for d in of.safeguards.decisions), Term("decisions", "request_changes")),
    _security("rejections", "Rejections", "count", "decisions that rejected; a veto is final",
              lambda of: sum(d.verdict == "reject" for d in of.safeguards.decisions), Term("decisions", "reject")),
    _security("review-time", "Time spent on review", "seconds", "as reviewers stated it with their decisions",
              lambda of: sum(d.review_seconds for d in of.safeguards.decisions), Term("decisions", "review_s")),
    _security("without-time", "Decisions without a stated time", "share", "decisions of people with no time stated ÷ decisions of people",
              lambda of: Ratio(sum(not d.review_seconds for d in of.safeguards.by_people), len(of.safeguards.by_people)),
              Term("decisions", "without_time"), _count("decisions", ("by", "person")), "down"),
    _security("sign-p50", "Time to sign, median", "seconds", "from a packet that is ready to its last approval, of packets published",
              lambda of: percentile([s.seconds for s in of.safeguards.signed], 50), Term("signed", "time", "p50"), None, "down"),
    _security("sign-p90", "Time to sign, 90th percentile", "seconds", "as above; nine of ten took no longer",
              lambda of: percentile([s.seconds for s in of.safeguards.signed], 90), Term("signed", "time", "p90"), None, "down"),
    _security("waiting", "Waiting for signatures", "count", "packets that wait when the month ends",
              lambda of: len(of.safeguards.waiting), _count("waiting"), None, "down"),
    _security("waiting-oldest", "The oldest of them", "seconds", "age when the month ends",
              lambda of: max((w.seconds for w in of.safeguards.waiting), default=None), Term("waiting", "age", "max"), None, "down"),
    _security("provenance", "Provenance coverage", "share", "published files with a signed statement beside them ÷ published files",
              lambda of: Ratio(of.safeguards.with_statement, len(of.safeguards.files)), Term("files", "statement"), _count("files"), "up"),
)  # fmt: skip

FINANCE = (
    _finance("spend", "Spend", "usd", "everything booked in the month: tokens, compute, retrieval and review, failed and repeated work",
             lambda of: of.economics.spend_nano_usd, _COST),
    *(_finance(f"spend-{kind}", f"of it {words}", "usd", f"entries of kind {kind}",
               lambda of, kind=kind: of.economics.by_kind[kind], Term("work", kind))
      for kind, words in (("call", "model calls"), ("compute", "compute"), ("retrieval", "retrieval"), ("review", "minutes of review"))),
    _finance("unit-cost", "Cost per approved artifact", "usd_each", "spend of the month ÷ artifacts published in it: what was never "
             "approved is paid by what was", lambda of: of.economics.unit_cost, _COST, Term("outcomes", "published"), "down"),
    _finance("cost-to-value", "Cost to value", "ratio", "spend ÷ value that the briefs of what was published had declared",
             lambda of: of.economics.cost_to_value, _COST, Term("outcomes", "value"), "down"),
    _finance("rework-share", "Rework cost ratio", "share", "spend of loops after the first ÷ spend",
             lambda of: of.economics.rework_share, Term("work", "rework"), _COST, "down"),
    _finance("never-approved", "Spend on what was never approved", "share", "spend on artifacts that were rejected, held or failed "
             "when the month ended ÷ spend", lambda of: of.economics.unapproved_share, Term("work", "never_approved"), _COST, "down"),
    _finance("exceptions", "Premium exceptions", "count", "uses of a tier above economy",
             lambda of: of.economics.exceptions, _count("exceptions"), None, "down"),
    _finance("exception-rate", "Premium exception rate", "share", "artifacts with an exception ÷ artifacts worked on in the month",
             lambda of: of.economics.exception_rate, Term("work", "exception"), Term("work", "artifacts"), "down"),
    _finance("cached-input", "Cached-input share", "share", "input tokens read from a cache ÷ all input tokens",
             lambda of: of.economics.cached_input_share, Term("work", "cached"), Term("work", "input"), "up"),
    _finance("unpriced", "Unpriced share", "share", "calls booked without a price ÷ calls; a call without one is refused, so it must be 0",
             lambda of: of.economics.unpriced_share, Term("work", "unpriced"), Term("work", "calls"), "down"),
    _finance("unpriced-refused", "Calls refused for want of a price", "count", "steps that stopped because no price is known",
             lambda of: sum(f.unpriced for f in of.safeguards.failures), Term("failures", "unpriced"), None, "down"),
    _finance("unallocated", "Unallocated share", "share", "spend on a cost centre or workload that the policy does not name ÷ spend",
             lambda of: of.economics.unallocated_share, Term("work", "unallocated"), _COST, "down"),
    _finance("suspense", "Suspense", "usd", "worst case of calls whose outcome is not known, when the month ended",
             lambda of: of.economics.suspense_nano_usd, Term("suspense", "amount"), None, "down"),
    _finance("estimated", "Booked at our own count", "usd", "calls of the month for which the provider gave no believable count",
             lambda of: of.economics.estimated_nano_usd, Term("work", "estimated"), None, "down"),
    _finance("suspense-share", "Suspense share", "share", "suspense ÷ spend and suspense",
             lambda of: of.economics.suspense_share, _SUSPENSE, (_COST, _SUSPENSE), "down"),
    _finance("reconciliation-gap", "Reconciliation gap", "share", "suspense and calls at our own count ÷ model calls and suspense: "
             "what no provider has confirmed", lambda of: of.economics.reconciliation_gap, (_SUSPENSE, Term("work", "estimated")),
             (Term("work", "call"), _SUSPENSE), "down"),
)  # fmt: skip

DEFINITIONS = (*TECHNOLOGY, *SECURITY, *FINANCE)
