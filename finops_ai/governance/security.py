"""The figures for the CISO: what was stopped, who signed and how soon, what is proved.

Belongs here: a definition per figure. Does not: arithmetic, the control map (`controls`).
"""

from finops_ai.governance.economics import percentile
from finops_ai.governance.figures import count_of, define_for
from finops_ai.governance.model import Ratio
from finops_ai.governance.rows import Term

_define = define_for("security")
SECURITY = (
    *(
        _define(
            f"stopped-{gate}",
            f"Stopped by the {gate} gate",
            "share",
            f"failed verdicts of the {gate} gate ÷ all of its verdicts",
            lambda of, gate=gate: Ratio(of.safeguards.by_gate[gate][1], sum(of.safeguards.by_gate[gate])),
            Term("verdicts", "stopped", where=("gate", gate)),
            count_of("verdicts", ("gate", gate)),
        )
        for gate in ("policy", "quality", "readiness")
    ),
    _define(
        "blocked",
        "Verdicts that stopped an artifact",
        "count",
        "failed verdicts of all gates",
        lambda of: of.safeguards.blocked,
        Term("verdicts", "stopped"),
    ),
    _define(
        "against-gates",
        "Published against a gate",
        "count",
        "published although a required gate had failed, or had no verdict; the permit refuses that, so it must be 0",
        lambda of: len(of.safeguards.unguarded),
        Term("outcomes", "unguarded"),
        None,
        "down",
    ),
    _define(
        "addressing-sources",
        "Sources that address a model",
        "count",
        "sources with text meant for a model, seen or hidden",
        lambda of: of.safeguards.addressing_sources,
        Term("sources", "addressing_sources"),
        None,
        "down",
    ),
    _define(
        "addressed-share",
        "Artifacts with such a source",
        "share",
        "artifacts with at least one ÷ artifacts assessed",
        lambda of: Ratio(of.safeguards.addressed, of.safeguards.assessed),
        Term("sources", "affected"),
        count_of("sources"),
        "down",
    ),
    _define(
        "approvals",
        "Approvals",
        "count",
        "approvals by people and by policy",
        lambda of: sum(of.safeguards.approvals.values()),
        Term("decisions", "approve"),
    ),
    _define(
        "changes-requested",
        "Changes requested",
        "count",
        "decisions that asked for changes",
        lambda of: sum(d.verdict == "request_changes" for d in of.safeguards.decisions),
        Term("decisions", "request_changes"),
    ),
    _define(
        "rejections",
        "Rejections",
        "count",
        "decisions that rejected; a veto is final",
        lambda of: sum(d.verdict == "reject" for d in of.safeguards.decisions),
        Term("decisions", "reject"),
    ),
    _define(
        "review-time",
        "Time spent on review",
        "seconds",
        "as reviewers stated it with their decisions",
        lambda of: sum(d.review_seconds for d in of.safeguards.decisions),
        Term("decisions", "review_s"),
    ),
    _define(
        "without-time",
        "Decisions without a stated time",
        "share",
        "decisions of people with no time stated ÷ decisions of people",
        lambda of: Ratio(sum(not d.review_seconds for d in of.safeguards.by_people), len(of.safeguards.by_people)),
        Term("decisions", "without_time"),
        count_of("decisions", ("by", "person")),
        "down",
    ),
    _define(
        "sign-p50",
        "Time to sign, median",
        "seconds",
        "from a packet that is ready to its last approval, of packets published",
        lambda of: percentile([s.seconds for s in of.safeguards.signed], 50),
        Term("signed", "time", "p50"),
        None,
        "down",
    ),
    _define(
        "sign-p90",
        "Time to sign, 90th percentile",
        "seconds",
        "as above; nine of ten took no longer",
        lambda of: percentile([s.seconds for s in of.safeguards.signed], 90),
        Term("signed", "time", "p90"),
        None,
        "down",
    ),
    _define(
        "waiting",
        "Waiting for signatures",
        "count",
        "packets that wait when the month ends",
        lambda of: len(of.safeguards.waiting),
        count_of("waiting"),
        None,
        "down",
    ),
    _define(
        "waiting-oldest",
        "The oldest of them",
        "seconds",
        "age when the month ends",
        lambda of: max((w.seconds for w in of.safeguards.waiting), default=None),
        Term("waiting", "age", "max"),
        None,
        "down",
    ),
    _define(
        "provenance",
        "Provenance coverage",
        "share",
        "published files with a signed statement beside them ÷ published files",
        lambda of: Ratio(of.safeguards.with_statement, len(of.safeguards.files)),
        Term("files", "statement"),
        count_of("files"),
        "up",
    ),
)
