"""Is a call priced as its provider publishes it, and as an independent gateway prices it? Run by `python -m bench.prices`.

Belongs here: thirty calls with their published rates, and the comparisons. Does not: finding a price (`finops_ai.pricing`).
The rates are those of public price lists and of notes about them, not of invoices.
The gateway is any LiteLLM: its proxy (`--gateway`, `--key`) for the calls it answers, its price function
(`--litellm-python`, the interpreter of an environment that has it) for the thirty. Exit 1 on an unexplained disagreement.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from finops_ai.pricing import NANO, Level, Usage, public_price

TODAY = date(2026, 11, 20)  # fixed: a price book changes, and a bench must not change with the calendar
LONG_CONTEXT_SOLD = date(2026, 1, 15)  # requests of more than 200,000 tokens to Claude Sonnet 4.5 ended on 2026-04-30
GATEWAY_NOISE_USD = Decimal("1e-9")  # it counts in binary fractions

OPENAI = "openai.com, API pricing"
ANTHROPIC = "anthropic.com, pricing"
GOOGLE = "ai.google.dev, Gemini API pricing"
DEEPSEEK = "api-docs.deepseek.com, pricing"
NO_MAP_OF_THE_PAST = "the gateway's map holds today's price only"
RETIRED = "the gateway deleted retired models from its map: an error, or 0 without one"
NOT_OURS = "unpriced and never 0: the book knows no such rate, a price in the policy does"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call. `rates`: published USD per million tokens of input, cached input, cache writes, output; None: no price that
    tokens can carry is published. `ours_differs` and `gateway_differs` say why a figure is not the expected, or not ours.
    """

    model: str
    tokens: tuple[int, int, int, int]  # input with its parts, cached, written to a cache, output
    rates: tuple[str, str, str, str] | None
    source: str
    provider: str | None = None
    level: Level = "standard"
    on: date = TODAY
    gateway_model: str | None = None  # where it has another name there
    ours_differs: str | None = None
    gateway_differs: str | None = None

    @property
    def name(self) -> str:
        """As people read it in the table."""
        parts = [f"{self.provider} {self.model}" if self.provider else self.model]
        parts += [self.level] if self.level != "standard" else []
        parts += [f"on {self.on}"] if self.on != TODAY else []
        return ", ".join(parts)

    @property
    def usage(self) -> Usage:
        """The counted tokens."""
        given, cached, written, output = self.tokens
        return Usage(
            input_tokens=given, cached_input_tokens=cached, cache_write_input_tokens=written, output_tokens=output
        )

    @property
    def expected_usd(self) -> Decimal | None:
        """From the published rates alone. None: unpriced."""
        if self.rates is None:
            return None
        given, cached, written, output = self.tokens
        counted = (given - cached - written, cached, written, output)
        return sum((n * Decimal(rate) for n, rate in zip(counted, self.rates, strict=True)), Decimal(0)) / 10**6


CASES = (
    Case(model="gpt-4o", tokens=(10_000, 0, 0, 2_000), rates=("2.5", "1.25", "2.5", "10"), source=OPENAI),
    Case(model="gpt-4o", tokens=(10_000, 8_000, 0, 2_000), rates=("2.5", "1.25", "2.5", "10"), source=OPENAI),
    Case(model="gpt-4o-2024-05-13", tokens=(10_000, 0, 0, 2_000), rates=("5", "5", "5", "15"), source=OPENAI),
    Case(model="gpt-4.1", tokens=(50_000, 40_000, 0, 1_000), rates=("2", "0.5", "2", "8"), source=OPENAI),
    Case(
        model="o3",
        tokens=(10_000, 0, 0, 2_000),
        rates=("10", "2.5", "10", "40"),
        source="openai.com, API pricing before the cut of 2025-06-10",
        on=date(2025, 6, 1),
        gateway_differs=NO_MAP_OF_THE_PAST,
    ),
    Case(
        model="gpt-4-0314",
        tokens=(10_000, 0, 0, 2_000),
        rates=("30", "30", "30", "60"),
        source="openai.com, API pricing until it was retired",
        gateway_differs=RETIRED,
    ),
    Case(
        model="gpt-5",
        tokens=(10_000, 8_000, 0, 2_000),
        rates=("0.625", "0.0625", "0.625", "5"),
        source=f"{OPENAI}, Batch",
        level="batch",
    ),
    Case(
        model="gpt-5",
        tokens=(10_000, 8_000, 0, 2_000),
        rates=("0.625", "0.0625", "0.625", "5"),
        source=f"{OPENAI}, Flex",
        level="flex",
    ),
    Case(
        model="gpt-5",
        tokens=(10_000, 8_000, 0, 2_000),
        rates=("2.5", "0.25", "2.5", "20"),
        source=f"{OPENAI}, Priority",
        level="priority",
    ),
    Case(
        model="text-embedding-3-small",
        provider="openai",
        tokens=(10_000, 0, 0, 0),
        rates=("0.02", "0.02", "0.02", "0"),
        source=OPENAI,
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(10_000, 6_000, 3_000, 2_000),
        rates=("3", "0.3", "3.75", "15"),
        source=ANTHROPIC,
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(200_000, 0, 0, 2_000),
        rates=("3", "0.3", "3.75", "15"),
        source=f"{ANTHROPIC}, at the threshold and not above it",
        on=LONG_CONTEXT_SOLD,
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(200_001, 0, 0, 2_000),
        rates=("6", "0.6", "7.5", "22.5"),
        source=f"{ANTHROPIC}, above 200,000 tokens",
        on=LONG_CONTEXT_SOLD,
        gateway_differs="the gateway dropped the tier above 200,000 tokens",
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(250_000, 200_000, 30_000, 2_000),
        rates=("6", "0.6", "7.5", "22.5"),
        source=f"{ANTHROPIC}, above 200,000 tokens",
        on=LONG_CONTEXT_SOLD,
        gateway_differs="the gateway dropped the tier above 200,000 tokens",
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(10_000, 6_000, 3_000, 2_000),
        rates=("1.5", "0.15", "1.875", "7.5"),
        source=f"{ANTHROPIC}, Batch API",
        level="batch",
    ),
    Case(
        model="claude-sonnet-4-5",
        tokens=(10_000, 0, 0, 2_000),
        rates=None,
        source=f"{ANTHROPIC}: sells no such level",
        level="flex",
        gateway_differs="the gateway ignores a level it does not know and takes the standard price",
    ),
    Case(
        model="claude-haiku-4-5-20251001",
        tokens=(10_000, 0, 4_000, 2_000),
        rates=("1", "0.1", "1.25", "5"),
        source=ANTHROPIC,
    ),
    Case(
        model="claude-3-5-haiku-20241022",
        tokens=(10_000, 0, 0, 2_000),
        rates=("0.8", "0.08", "1", "4"),
        source=f"{ANTHROPIC} until it was retired",
        gateway_differs=RETIRED,
    ),
    Case(
        model="claude-opus-4-1-20250805",
        tokens=(10_000, 0, 0, 2_000),
        rates=("15", "1.5", "18.75", "75"),
        source=f"{ANTHROPIC} until it was retired",
        gateway_differs=RETIRED,
    ),
    Case(
        model="claude-opus-4-1-turbo",
        tokens=(10_000, 0, 0, 2_000),
        rates=None,
        source="no such model: only its name begins like one",
    ),
    Case(
        model="gemini-2.5-pro",
        tokens=(100_000, 0, 0, 2_000),
        rates=("1.25", "0.125", "1.25", "10"),
        source=GOOGLE,
        gateway_model="gemini/gemini-2.5-pro",
    ),
    Case(
        model="gemini-2.5-pro",
        tokens=(300_000, 100_000, 0, 2_000),
        rates=("2.5", "0.25", "2.5", "15"),
        source=f"{GOOGLE}, above 200,000 tokens",
        gateway_model="gemini/gemini-2.5-pro",
    ),
    Case(
        model="gemini-2.5-flash",
        tokens=(50_000, 40_000, 0, 2_000),
        rates=("0.3", "0.03", "0.3", "2.5"),
        source=GOOGLE,
        gateway_model="gemini/gemini-2.5-flash",
    ),
    Case(
        model="deepseek-chat",
        tokens=(10_000, 8_000, 0, 2_000),
        rates=("0.27", "0.07", "0.27", "1.1"),
        source=f"{DEEPSEEK} before 2025-09-05, by day (half of it by night: the dearest of the day is taken)",
        on=date(2025, 3, 15),
        gateway_model="deepseek/deepseek-chat",
        gateway_differs=NO_MAP_OF_THE_PAST,
    ),
    Case(
        model="deepseek-chat",
        tokens=(10_000, 8_000, 0, 2_000),
        rates=("0.28", "0.028", "0.28", "0.42"),
        source=f"{DEEPSEEK} of V3.2",
        on=date(2026, 4, 15),
        gateway_model="deepseek/deepseek-chat",
        ours_differs="the book still holds the price that ended on 2025-09-05: a price in the policy corrects it",
        gateway_differs="the gateway is right, our book is stale",
    ),
    Case(
        model="mistral-large-latest",
        tokens=(10_000, 0, 0, 2_000),
        rates=("0.5", "0.5", "0.5", "1.5"),
        source="mistral.ai, pricing of Large 3",
        gateway_model="mistral/mistral-large-latest",
        ours_differs="the book's alias still stands for Large 2: ask for mistral-large-2512, or write a price in the policy",
        gateway_differs="the gateway is right, our book is stale",
    ),
    Case(
        model="llama-3.3-70b-versatile",
        provider="groq",
        tokens=(10_000, 0, 0, 2_000),
        rates=("0.59", "0.59", "0.59", "0.79"),
        source="groq.com, pricing",
        gateway_model="groq/llama-3.3-70b-versatile",
        gateway_differs=RETIRED,
    ),
    Case(
        model="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        provider="aws",
        tokens=(10_000, 6_000, 3_000, 2_000),
        rates=("3.3", "0.33", "4.125", "16.5"),
        source="aws.amazon.com, Bedrock pricing: a regional profile costs 10 % more than the global one",
        gateway_model="bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ),
    Case(
        model="gpt-4o",
        provider="azure",
        level="batch",
        tokens=(10_000, 0, 0, 2_000),
        rates=("1.25", "1.25", "1.25", "5"),
        source="azure.microsoft.com, Azure OpenAI pricing, Global Batch",
        gateway_model="azure/gpt-4o",
        ours_differs=NOT_OURS,
        gateway_differs="the gateway is right, it halves the standard price",
    ),
    Case(
        model="sonar-pro",
        provider="perplexity",
        tokens=(10_000, 0, 0, 2_000),
        rates=None,
        source="docs.perplexity.ai, pricing: tokens and a fee of 6 to 14 USD per thousand requests",
        gateway_model="perplexity/sonar-pro",
        gateway_differs="the gateway leaves the fee out",
    ),
)

_PRICE_FUNCTION = """
import contextlib, io, json, os, sys
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
asked = json.load(sys.stdin)
told = []
with contextlib.redirect_stdout(io.StringIO()):
    import litellm
    from litellm.cost_calculator import batch_cost_calculator
    from litellm.types.utils import PromptTokensDetailsWrapper, Usage
    for call in asked:
        given, cached, written, output = call["tokens"]
        parts = PromptTokensDetailsWrapper(cached_tokens=cached, cache_creation_tokens=written)
        usage = Usage(prompt_tokens=given, completion_tokens=output, total_tokens=given + output,
                      prompt_tokens_details=parts, cache_read_input_tokens=cached, cache_creation_input_tokens=written)
        level = None if call["level"] == "standard" else call["level"]
        try:
            if level == "batch":
                costs = batch_cost_calculator(usage=usage, model=call["model"])
            else:
                costs = litellm.cost_per_token(model=call["model"], usage_object=usage, service_tier=level)
            told.append({"usd": repr(sum(costs))})
        except Exception as error:
            told.append({"error": type(error).__name__})
json.dump(told, sys.stdout)
"""


def ours_usd(case: Case) -> Decimal | None:
    """What we would book, in USD. None: unpriced."""
    price = public_price(case.model, on=case.on, level=case.level, provider=case.provider)
    return None if price is None else Decimal(sum(price.cost_nano_usd(case.usage).values())) / NANO


def gateway_usd(cases: Sequence[Case], python: str) -> list[Decimal | None]:
    """What LiteLLM's price function says of each call. None: it raised an error."""
    asked = [{"model": case.gateway_model or case.model, "tokens": case.tokens, "level": case.level} for case in cases]
    done = subprocess.run(
        [python, "-c", _PRICE_FUNCTION], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    return [Decimal(answer["usd"]) if "usd" in answer else None for answer in told]


def verdict(found: Decimal | None, wanted: Decimal | None, because: str | None, *, noise: Decimal = Decimal(0)) -> str:
    """`agrees`, `explained`, or `UNEXPLAINED`."""
    if found == wanted or (found is not None and wanted is not None and abs(found - wanted) <= noise):
        return "agrees"
    return "explained" if because else "UNEXPLAINED"


def table(cases: Sequence[Case], gateway: Sequence[Decimal | None] | None) -> list[dict[str, Any]]:
    """One row per call: the published figure, ours, the gateway's; ours against the first, the gateway's against ours."""
    rows = []
    for at, case in enumerate(cases):
        ours = ours_usd(case)
        row = {
            "case": case.name,
            "tokens": case.tokens,
            "published_usd": _text(case.expected_usd),
            "source": case.source,
            "ours_usd": _text(ours),
            "ours": verdict(ours, case.expected_usd, case.ours_differs),
            "ours_because": case.ours_differs,
        }
        if gateway is not None:
            row["gateway_usd"] = _text(gateway[at])
            row["gateway"] = verdict(gateway[at], ours, case.gateway_differs, noise=GATEWAY_NOISE_USD)
            row["gateway_because"] = case.gateway_differs
        rows.append(row)
    return rows


def answered(url: str, key: str, models: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A call to each of the gateway's models: the cost that its header names, and ours for the usage that it counted."""
    for name, model in models.items():
        body = json.dumps({"model": name, "messages": [{"role": "user", "content": "price me"}], "max_tokens": 50})
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{url.rstrip('/')}/chat/completions", body.encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            usage = json.load(response)["usage"]
            told = Decimal(response.headers["x-litellm-response-cost"])
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        tokens = (usage["prompt_tokens"], cached, 0, usage["completion_tokens"])
        ours = ours_usd(Case(model=model, tokens=tokens, rates=None, source="the gateway's answer"))
        yield {
            "case": f"{name} ({model}), answered",
            "tokens": tokens,
            "ours_usd": _text(ours),
            "gateway_usd": _text(told),
            "gateway": verdict(told, ours, None, noise=GATEWAY_NOISE_USD),
            "gateway_because": None,
        }


def counts(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, int]:
    """Of one comparison: how many agree, how many differ with a reason, how many without."""
    found = Counter(row[column] for row in rows if column in row)
    return {name: found[name] for name in ("agrees", "explained", "UNEXPLAINED")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print a table, or with --json the figures. 1: a disagreement without an explanation. 2: no gateway."""
    options = _options(arguments)
    try:
        gateway = gateway_usd(CASES, options.litellm_python) if options.litellm_python else None
        calls = [*answered(options.gateway, options.key, _models(options))] if options.gateway else []
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the gateway did not answer: {error} {getattr(error, 'stderr', '') or ''}".strip(), file=sys.stderr)
        return 2
    rows = table(CASES, gateway) + calls
    compared = {"ours against published": counts(rows, "ours"), "gateway against ours": counts(rows, "gateway")}
    print(json.dumps({"cases": rows, "counts": compared}, indent=2) if options.json else "\n".join(_lines(rows)))
    if not options.json:
        print(*(f"{name}: {found}" for name, found in compared.items() if sum(found.values())), sep="\n")
    return 1 if any(found["UNEXPLAINED"] for found in compared.values()) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.prices", description="Prices, compared.")
    parser.add_argument("--litellm-python", metavar="PATH", help="interpreter of an environment with LiteLLM")
    parser.add_argument("--gateway", metavar="URL", help="of a LiteLLM proxy, ending in /v1")
    parser.add_argument("--key", default="", help="of the gateway")
    parser.add_argument(
        "--gateway-model",
        action="append",
        metavar="NAME=MODEL",
        help="a model to call there, and the one whose price it has; may be repeated",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    options.gateway_model = options.gateway_model or ["economy=gpt-4o-mini", "premium=gpt-4o"]
    return options


def _models(options: argparse.Namespace) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in options.gateway_model)


def _text(usd: Decimal | None) -> str:
    return "unpriced" if usd is None else f"{usd:.7f}"


def _lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"{'case':62} {'in/cached/written/out':26} {'published':>11} {'ours':>11} {'gateway':>11}"
    for row in rows:
        tokens = "/".join(str(n) for n in row["tokens"])
        figures = (row.get(f"{who}_usd", "-") for who in ("published", "ours", "gateway"))
        yield f"{row['case']:62} {tokens:26} " + " ".join(f"{figure:>11}" for figure in figures)
        for who in ("ours", "gateway"):
            if row.get(who, "agrees") != "agrees":
                yield f"    {who} differs, {row[who]}: {row[f'{who}_because'] or 'nobody knows why'}"


if __name__ == "__main__":
    sys.exit(main())
