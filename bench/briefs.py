"""Briefs for a measurement: two Markdown sources each, different words in every one, so that nothing is shared.

Belongs here: writing them. Does not: submitting them.
"""

from pathlib import Path

SENTENCES = 12  # per source
TEAMS = ("billing", "search", "support", "catalogue", "fraud", "logistics")
MONTHS = ("January", "March", "April", "June", "August", "October")

BRIEF = """\
topic: What request class {number} costs to serve
objective: Answer which request class the platform team looks at first
intent:
  decision: which class is reviewed first
  audience: platform leads
  form: answer
  value: {{metric: hours_saved, expected_usd: 120, basis: "two analyst hours a month"}}
owner: platform
cost_centre: cc-bench
workload: bench
impact: low
profile: full
budget_usd: 0.10
sources:
  - {{uri: sources/{number}-volumes.md, grade: primary}}
  - {{uri: sources/{number}-invoices.md, grade: primary}}
"""


def write_briefs(folder: Path, count: int) -> None:
    """`0.yaml`, `1.yaml`, … and the sources that they name."""
    (folder / "sources").mkdir(parents=True)
    for number in range(count):
        (folder / f"{number}.yaml").write_text(BRIEF.format(number=number), encoding="utf-8")
        for kind, sentence in (("volumes", _volume), ("invoices", _invoice)):
            lines = [f"# Request class {number}: {kind}", "", *(sentence(number, n) for n in range(SENTENCES))]
            (folder / "sources" / f"{number}-{kind}.md").write_text("\n\n".join(lines), encoding="utf-8")


def _volume(number: int, n: int) -> str:
    team, month = TEAMS[n % len(TEAMS)], MONTHS[(n + number) % len(MONTHS)]
    return f"In {month} the {team} team sent {1000 + 97 * number + n} requests of class {number} to the gateway."


def _invoice(number: int, n: int) -> str:
    team, month = TEAMS[(n + 1) % len(TEAMS)], MONTHS[(n + number) % len(MONTHS)]
    return (
        f"The {month} invoice bills the {team} team {200 + 13 * number + n} US dollars for requests of class {number}."
    )
