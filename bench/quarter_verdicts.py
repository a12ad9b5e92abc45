"""Verdicts of gates as Great Expectations would have given them: it is too slow for thousands, so the plan decides.

Belongs here: verdicts in the form in which steps store them, with the rules and controls of the real gates. Does not: judging.
"""

from finops_ai.orchestration.gate_factory import Failure, Gate, GateVerdict


def passed(gate: Gate) -> GateVerdict:
    """Every expectation held."""
    return GateVerdict(gate=gate.name, passed=True, evaluated=len(gate.rules), controls=gate.controls)


def failed(gate: Gate, *, column: str, sample: str) -> GateVerdict:
    """The rule about this column's values did not hold in one row."""
    rule = [rule for rule in gate.rules if rule.columns == (column,)][-1]
    failure = Failure(
        column=column,
        sample=sample,
        why=rule.why,
        control=rule.control,
        unexpected=1,
        severity=rule.severity,
        expectation=rule.type,
    )
    return GateVerdict(
        gate=gate.name, passed=False, evaluated=len(gate.rules), failures=(failure,), controls=gate.controls
    )
