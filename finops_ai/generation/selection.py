"""Which confirmed facts a draft is written from: the most relevant to objective and intent that fit the token bound.

Belongs here: ranking and cutting. Does not: where facts come from (`facts`).
Ranking is BM25 of SQLite's FTS5 in memory: it is in every Python, stems words, and is the same whichever database keeps
the records; a few hundred facts take about a millisecond.
"""

import re
import sqlite3
from collections.abc import Sequence

from finops_ai.briefs import Brief
from finops_ai.calls import estimated_tokens
from finops_ai.facts import ConfirmedFact
from finops_ai.generation.model import Selection
from finops_ai.policy import TokenBounds

FACTS_SHARE_OF_INPUT = 2, 3  # the rest is for instructions, brief and remarks
CITED_FACT = re.compile(r"\bF(\d{1,4})\b")
_WORD = re.compile(r"\w{3,}")


def select_facts(
    facts: Sequence[ConfirmedFact], brief: Brief, *, bounds: TokenBounds, remarks: Sequence[str] = ()
) -> Selection:
    """The best facts within the bounds. A reviewer who names a fact in a remark ("drop F3") has it left out."""
    unwanted = {f"F{number}" for remark in remarks for number in CITED_FACT.findall(remark)}
    wanted = [fact for fact in facts if fact.label not in unwanted]
    query = " ".join([brief.topic, brief.objective, brief.intent.decision, *remarks])
    numerator, denominator = FACTS_SHARE_OF_INPUT
    # an extractive draft repeats each fact, a written one condenses it: both bounds must hold for either
    budget = min(bounds.input_tokens_max * numerator // denominator, bounds.output_tokens_max)
    chosen: list[ConfirmedFact] = []
    used = 0
    for fact in rank(wanted, query):
        tokens = estimated_tokens(f"- “{fact.text}” [{fact.label}]\n")
        if used + tokens <= budget:
            chosen.append(fact)
            used += tokens
    return Selection(facts=tuple(chosen), left_out=len(facts) - len(chosen), input_tokens=used)


def rank(facts: Sequence[ConfirmedFact], query: str) -> list[ConfirmedFact]:
    """Facts by relevance to the query; those that share no word with it follow in their own order."""
    words = list(dict.fromkeys(_WORD.findall(query.lower())))
    if not words or not facts:
        return list(facts)
    index = sqlite3.connect(":memory:")
    try:
        index.execute("CREATE VIRTUAL TABLE fact USING fts5(text, tokenize = 'porter unicode61')")
        index.executemany("INSERT INTO fact(rowid, text) VALUES (?, ?)", [(n, f.text) for n, f in enumerate(facts)])
        match = " OR ".join(f'"{word}"' for word in words)
        hits = index.execute("SELECT rowid FROM fact WHERE fact MATCH ? ORDER BY bm25(fact), rowid", (match,))
        order = [number for (number,) in hits]
    finally:
        index.close()
    found = set(order)
    return [facts[n] for n in order] + [fact for n, fact in enumerate(facts) if n not in found]
