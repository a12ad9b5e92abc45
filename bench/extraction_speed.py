"""How fast HTML becomes evidence, beside trafilatura alone on the same pages. Run by `python -m bench.extraction_speed`.

Belongs here: the pages, made from a seed, and the timing of both. Does not: the machine it ran on (`machine`).

Within a round both read every page, block of pages by block of pages, and take turns at going first, so that a machine
that gets slower or faster favours nobody. A ratio is formed within a round; its median and range are over the rounds.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from finops_ai.evidence import extract

BLOCK_PAGES = 20  # more text than trafilatura's cache of lines holds: the second reader finds nothing of the first
NOUNS = (
    "plant", "invoice", "cluster", "model", "budget", "region", "tenant", "token", "reserve", "ledger", "forecast",
    "gateway", "contract", "warehouse", "battery", "turbine", "harbour", "council", "school", "bridge", "river",
    "market", "supplier", "engineer", "ministry", "hospital", "library", "network", "audit", "quarter", "shipment",
    "licence", "archive", "insurer", "refund", "tariff", "sensor", "valley", "festival", "orchard", "tunnel",
    "railway", "glacier",
)  # fmt: skip
VERBS = (
    "opened", "reported", "measured", "replaced", "reviewed", "doubled", "reduced", "approved", "delayed",
    "published", "compared", "refused", "expanded", "inspected", "financed", "signed", "tested", "closed", "moved",
    "counted", "described", "rebuilt", "sold", "visited",
)  # fmt: skip
ADJECTIVES = (
    "regional", "annual", "northern", "small", "public", "quiet", "expensive", "modern", "empty", "careful",
    "steady", "rural", "narrow", "bright", "temporary", "independent", "joint", "early", "former", "seasonal",
    "digital", "heavy", "local", "reliable",
)  # fmt: skip
NAMES = (
    "Ulm", "Bonn", "Acme", "Meyer", "Okafor", "Lindqvist", "Tanaka", "Ribeiro", "Novak", "Dublin", "Porto", "Oslo",
    "Lagos", "Kyoto", "Valdez", "Hansen",
)  # fmt: skip
LINKS = (
    "in", "on", "after", "before", "against", "beside", "during", "under", "near", "without", "behind", "within",
)  # fmt: skip
STYLE = """
body{margin:0;background:#f7f7f5;color:#222;font:16px/1.6 Georgia,serif}
.site-header,.site-footer{background:#10243b;color:#fff}
.nav-link{color:#fff;text-decoration:none}
.sr-only{position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0)}
.is-closed{display:none}
.teaser{padding:8px;border:1px solid #ddd}
@media (max-width:600px){.sidebar{float:none}.teaser{padding:4px}}
"""


@dataclass(slots=True)
class Spent:
    """Seconds of this process on a processor, and on the clock."""

    cpu_s: float = 0.0
    wall_s: float = 0.0

    def add(self, read: Callable[[bytes], object], pages: Sequence[bytes]) -> None:
        """What reading these pages takes."""
        cpu, wall = time.process_time(), time.perf_counter()
        for page in pages:
            read(page)
        self.cpu_s += time.process_time() - cpu
        self.wall_s += time.perf_counter() - wall


def measure(pages: int = 1000, rounds: int = 3, seed: int = 7) -> dict[str, float | int | list[float]]:
    """A ratio is our pages per CPU second over trafilatura's: 1 is as fast as trafilatura alone."""
    contents = [page(seed, number) for number in range(pages)]
    for read in (ours, theirs):
        read(contents[0])  # imports, and what is compiled once
    taken = [_round(contents, first=number) for number in range(rounds)]
    ratios = [their.cpu_s / our.cpu_s for our, their in taken]
    return {
        "pages": pages,
        "rounds": rounds,
        "seed": seed,
        "page_bytes_mean": round(mean(map(len, contents))),
        "ratios": ratios,
        "ratio_median": median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "wall_ratios": [their.wall_s / our.wall_s for our, their in taken],
        "our_pages_per_cpu_s": pages / median(our.cpu_s for our, _ in taken),
        "trafilatura_pages_per_cpu_s": pages / median(their.cpu_s for _, their in taken),
        "our_pages_per_s": pages / median(our.wall_s for our, _ in taken),
        "trafilatura_pages_per_s": pages / median(their.wall_s for _, their in taken),
    }


def ours(content: bytes) -> object:
    """All that a page goes through to become evidence, but for fetching and storing it."""
    return extract(content, "text/html")


def theirs(content: bytes) -> object:
    """What ours asks of trafilatura, asked directly."""
    import trafilatura

    return trafilatura.extract(content.decode(), include_comments=False, include_tables=True, favor_recall=True)


def page(seed: int, number: int) -> bytes:
    """Like an article in a newspaper, about 50 kB: the same for the same seed and number, and unlike any other.

    Nine elements per kB, and 44 % of it is text; of the pages kept for tests Wikipedia's has eleven, and 14 %.
    """
    dice = random.Random(f"{seed}-{number}")  # a text as seed: the same in every process
    title = _sentence(dice)[:-1]
    blocks = [f'<p class="paragraph paragraph--body">{_paragraph(dice)}</p>' for _ in range(dice.randint(42, 58))]
    for position, block in enumerate(
        (_list(dice), _table(dice), _unseen(dice), _figure(dice), _list(dice), _quote(dice))
    ):
        blocks.insert(3 + 5 * position, f'<h2 id="part-{position}">{_sentence(dice)[:-1]}</h2>{block}')
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title} | The Daily {dice.choice(NAMES)}</title>
{_meta(dice, title, number)}<style>{STYLE}</style>{_script(dice)}</head>
<body class="page article-page"><header class="site-header" id="top">{_links(dice, "nav", 30)}</header>
<div class="cookie-notice" style="display: none"><p>{_sentence(dice)}</p></div>
<main class="layout"><article class="article"><header><h1>{title}</h1>
<p class="byline">By <a rel="author" href="/people/{number}">{_person(dice)}</a></p></header>
<div class="article-body">{"".join(blocks)}</div></article>
<aside class="sidebar">{"".join(_teaser(dice) for _ in range(16))}</aside></main>
<footer class="site-footer">{_links(dice, "nav", 40)}<p>© {_person(dice)}</p></footer>{_script(dice)}</body></html>
""".encode()


def _meta(dice: random.Random, title: str, number: int) -> str:
    day = f"20{dice.randint(10, 26)}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
    described = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": title, "datePublished": day}
    named = {"viewport": "width=device-width", "description": _sentence(dice), "author": _person(dice)}
    graph = {"og:title": title, "og:type": "article", "article:published_time": f"{day}T08:30:00Z"}
    return (
        "".join(f'<meta name="{name}" content="{content}">\n' for name, content in named.items())
        + "".join(f'<meta property="{name}" content="{content}">\n' for name, content in graph.items())
        + f'<link rel="canonical" href="https://daily.example/{day}/{number}">\n<link rel="stylesheet" href="/a.css">\n'
        + f'<script type="application/ld+json">{json.dumps(described)}</script>\n'
    )


def _script(dice: random.Random) -> str:
    settings = {
        dice.choice(NOUNS) + str(n): [dice.random(), dice.choice(NAMES), dice.random() < 0.5] for n in range(110)
    }
    return f"<script>window.settings = {json.dumps(settings)}; if (1 < 2) {{ start(settings) }}</script>"


def _links(dice: random.Random, tag: str, count: int) -> str:
    words = [dice.choice(NOUNS) for _ in range(count)]
    items = (
        f'<li class="nav-item"><a class="nav-link" href="/{word}/{n}">{word}</a></li>' for n, word in enumerate(words)
    )
    return f'<{tag}><ul class="nav-list">{"".join(items)}</ul></{tag}>'


def _teaser(dice: random.Random) -> str:
    number = dice.randint(1, 9999)
    return (
        f'<div class="teaser teaser--small"><a class="teaser__link" href="/story/{number}"><img class="teaser__image" '
        f'src="/images/{number}-320.jpg" width="320" height="180" alt=""></a><h3 class="teaser__title">'
        f'<a href="/story/{number}">{_sentence(dice)}</a></h3></div>'
    )


def _figure(dice: random.Random) -> str:
    image = f'<img src="/images/{dice.randint(1, 9999)}.jpg" alt="">'
    return f'<figure class="figure">{image}<figcaption>{_sentence(dice)}</figcaption></figure>'


def _list(dice: random.Random) -> str:
    return f"<ul>{''.join(f'<li>{_sentence(dice)}</li>' for _ in range(dice.randint(4, 9)))}</ul>"


def _quote(dice: random.Random) -> str:
    return f"<blockquote><p>{_sentence(dice)}</p></blockquote>"


def _table(dice: random.Random) -> str:
    rows = (
        f"<tr><td>{dice.choice(NAMES)}</td><td>{dice.choice(NOUNS)}</td><td>{dice.randint(1, 99_999):,}</td></tr>"
        for _ in range(dice.randint(6, 14))
    )
    return f"<table><tr><th>Place</th><th>What</th><th>Count</th></tr>{''.join(rows)}</table>"


def _unseen(dice: random.Random) -> str:
    return (
        f'<p class="is-closed">{_paragraph(dice)}</p><p>{_sentence(dice)}'
        f'<span class="sr-only">{_sentence(dice)}</span> {_sentence(dice)}</p>'
        f'<p style="color:#fff">{_sentence(dice)}</p><div hidden><p>{_paragraph(dice)}</p></div>'
    )


def _paragraph(dice: random.Random) -> str:
    return " ".join(_marked_up(dice, _sentence(dice)) for _ in range(dice.randint(2, 5)))


def _marked_up(dice: random.Random, sentence: str) -> str:
    first, _, rest = sentence.partition(" ")
    if dice.random() < 0.3:
        return f'<a class="inline-link" href="/topic/{first.lower()}/{dice.randint(1, 999)}">{first}</a> {rest}'
    return f"<em>{first}</em> {rest}" if dice.random() < 0.2 else sentence


def _sentence(dice: random.Random) -> str:
    words = list(_words(dice))
    return " ".join([words[0].capitalize(), *words[1:]]) + "."


def _words(dice: random.Random) -> Iterator[str]:
    for clause in range(dice.randint(1, 3)):
        if clause:
            yield dice.choice(LINKS)
        yield from ("the", dice.choice(ADJECTIVES), dice.choice(NOUNS), dice.choice(VERBS))
        yield from (
            (f"{dice.randint(2, 9_999):,}", f"{dice.choice(NOUNS)}s") if dice.random() < 0.4 else ("every", "day")
        )
        if dice.random() < 0.3:
            yield from ("in", dice.choice(NAMES))


def _person(dice: random.Random) -> str:
    return f"{dice.choice(NAMES)} {dice.choice(NAMES)}"


def _round(contents: Sequence[bytes], *, first: int) -> tuple[Spent, Spent]:
    our, their = Spent(), Spent()
    both = [(our, ours), (their, theirs)]
    for block, start in enumerate(range(0, len(contents), BLOCK_PAGES)):
        for spent, read in both if (block + first) % 2 == 0 else reversed(both):
            spent.add(read, contents[start : start + BLOCK_PAGES])
    return our, their


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
