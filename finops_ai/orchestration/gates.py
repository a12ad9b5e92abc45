"""The gates of the workflow: what each one expects, and which control every expectation serves.

Belongs here: one function per gate, whose parameters are its keys under `gates` in the policy; one reason per expectation.
A gate is declared with the defaults, which are the strictest, and judges with the policy in force. Does not: running a
suite, or the rule that a gate which is absent, empty or raises has failed (`gate_factory`, once for all); what a row means
(`policy.risk_row`, `generation.sentence_rows` and `form_rows`, `evidence_rows` in the review_packet asset).

Control ids: NIST AI 600-1, ISO/IEC 42001 Annex A, OWASP LLM 2025, EU AI Act. They say what a gate supports, not that
anything is compliant.
"""

from decimal import Decimal

from finops_ai.orchestration.gate_factory import Gate, Rule, must

NOT_NULL = "expect_column_values_to_not_be_null"
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
ROW_COUNT = "expect_table_row_count_to_be_between"
LENGTH = "expect_column_value_lengths_to_be_between"


def _present(column: str, control: str) -> Rule:
    return must(NOT_NULL, column=column, why="a null is never counted as unexpected", control=control)


def _limited(column: str, *, why: str, control: str, **limits: float) -> tuple[Rule, Rule]:
    return _present(column, control), must(BETWEEN, column=column, why=why, control=control, **limits)


def policy_gate(
    *,
    confirmed_facts_min: int = 1,
    failed_sources_share_max: Decimal = Decimal(0),
    addressing_sources_max: int = 0,
    cost_to_value_max: Decimal = Decimal(0),
) -> Gate:
    """Before any model is routed or called: is this worth starting, and can it be paid?"""
    return Gate(
        name="policy",
        asset="risk_assessment",
        description="Judges sources, claims, prices and budget before any model is routed or called.",
        rules=(
            must(
                ROW_COUNT,
                min_value=1,
                max_value=1,
                why="without an assessment nothing was judged",
                control="NIST AI 600-1 MG-3.2-009",
            ),
            *_limited(
                "confirmed_facts",
                min_value=confirmed_facts_min,
                why="fewer confirmed facts are not enough to write from",
                control="NIST AI 600-1 MS-2.5-003",
            ),
            *_limited(
                "failed_sources_share",
                max_value=float(failed_sources_share_max),
                why="too many of the named sources could not be read",
                control="NIST AI 600-1 MS-2.5-005",
            ),
            *_limited(
                "addressing_sources",
                max_value=addressing_sources_max,
                why="so many sources contain text that addresses a model that somebody seems to be at work",
                control="OWASP LLM01",
            ),
            *_limited(
                "addressing_unseen",
                max_value=0,
                why="a source contains text that addresses a model, and at this impact no person would look at it",
                control="OWASP LLM01",
            ),
            *_limited(
                "unpriced_tiers",
                max_value=0,
                why="a model without a known price cannot be held against a budget",
                control="OWASP LLM10",
            ),
            *_limited(
                "budget_headroom_usd",
                min_value=0,
                why="the tightest budget cannot hold the worst case of one draft",
                control="OWASP LLM10",
            ),
            *_limited(
                "cost_to_value",
                max_value=float(cost_to_value_max),
                why="the draft may cost too much of the value that the brief expects",
                control="ISO/IEC 42001 A.9.2",
            ),
        ),
    )


def quality_gate(*, sentences_min: int = 1, sentence_characters_max: int = 50) -> Gate:
    """Every sentence of the draft: does it cite, and does what it cites hold it?"""
    control = "NIST AI 600-1 MS-2.5-003; EU AI Act Art. 50(4)"
    return Gate(
        name="quality",
        asset="draft",
        description="Judges every sentence of the draft against the confirmed facts it cites.",
        rules=(
            must(ROW_COUNT, min_value=sentences_min, why="a draft without sentences says nothing", control=control),
            _present("sentence", control),
            _present("finding", control),
            must(
                IN_SET,
                column="finding",
                value_set=["held"],
                why="a sentence that cites nothing, an unknown fact, or a fact that does not hold it must not be published; "
                "nor a draft without the form that was asked for",
                control="OWASP LLM09; " + control,
            ),
            must(
                LENGTH,
                column="sentence",
                max_value=sentence_characters_max,
                why="a reviewer reads by sentence, with the evidence beside it",
                control="NIST AI 600-1 MS-2.3-003",
            ),
        ),
    )


def readiness_gate() -> Gate:
    """The packet: is everything there that a reviewer signs, and is it what the earlier gates judged?"""
    control = "NIST AI 600-1 MG-3.2-008"
    return Gate(
        name="readiness",
        asset="review_packet",
        description="Judges whether the packet is complete and consistent before anybody is asked to sign it.",
        rules=(
            must(ROW_COUNT, min_value=1, why="an empty packet holds nothing to sign", control=control),
            _present("item", control),
            _present("state", control),
            must(
                IN_SET,
                column="state",
                value_set=["ready"],
                why="an item is missing, failed, or belongs to another draft than the one in the packet",
                control="NIST AI 600-1 MS-2.8-003; " + control,
            ),
        ),
    )
