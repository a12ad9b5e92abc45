"""The engine that needs no model and no key: it quotes confirmed sentences and cites each of them.

Belongs here: composing. Does not: choosing the facts (`selection`). It cannot say anything that its sources do not:
that is its whole promise, and the reason why it is the floor below every other tier.
"""

from finops_ai.facts import ConfirmedFact
from finops_ai.generation.model import Assignment, Draft


def write_extractive(assignment: Assignment) -> Draft:
    """Quotations grouped by source, in the order in which the sources say them."""
    sections: dict[str, list[ConfirmedFact]] = {}
    for fact in sorted(assignment.selection.facts, key=lambda fact: fact.position):
        sections.setdefault(fact.source_title, []).append(fact)
    body = "\n\n".join(_section(title, facts) for title, facts in sections.items())
    return Draft(markdown=f"## What the sources say\n\n{body}\n", engine="extractive", model="extractive")


def _section(title: str, facts: list[ConfirmedFact]) -> str:
    quotes = "\n".join(f"- “{fact.text}” [{fact.label}]" for fact in facts)
    return f"### {title}\n\n{quotes}"
