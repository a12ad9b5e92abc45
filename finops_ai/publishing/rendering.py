"""The published files, byte for byte: the same draft, facts and brief always give the same files.

Belongs here: Markdown with its evidence table, and HTML from it. Does not: writing drafts (`generation`), placing files
(`targets`). HTML passes three guards: raw HTML and links off in the renderer, an allow-list sanitiser, and a policy header
in the page that forbids scripts, images and every outside address.
"""

import html
import re
from collections.abc import Sequence
from string import Template

from finops_ai.briefs import Brief
from finops_ai.facts import ConfirmedFact

_CITATION = re.compile(r"\[(F\d{1,4}(?:\s*,\s*F\d{1,4})*)\]")
_ALLOWED_TAGS = {
    "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "blockquote", "strong", "em", "code", "pre", "br", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def file_name(artifact: str, draft_sha256: str) -> str:
    """Derived from the content: another draft of the same artifact is another file, and nothing is ever overwritten."""
    return f"{artifact}-{draft_sha256[:12]}"


def cited_labels(text: str) -> list[str]:
    """F1, F2, … in the order in which they are first cited."""
    return list(dict.fromkeys(label for found in _CITATION.findall(text) for label in re.findall(r"F\d+", found)))


def render_markdown(brief: Brief, draft_markdown: str, facts: Sequence[ConfirmedFact]) -> str:
    """Title, intent, the draft, and for each cited fact the place where it stands."""
    cited = set(cited_labels(draft_markdown))
    evidence = "\n".join(_evidence_row(fact) for fact in facts if fact.label in cited)
    intent = brief.intent
    return (
        f"# {_inline(brief.topic)}\n\n"
        "| for the decision | audience | owner |\n|---|---|---|\n"
        f"| {_cell(intent.decision)} | {_cell(intent.audience)} | {_cell(brief.owner)} |\n\n"
        f"{draft_markdown.strip()}\n\n"
        "## Evidence\n\n"
        "Characters count from 0 in the text extracted from the snapshot with this SHA-256.\n\n"
        "| fact | claim | source | snapshot SHA-256 | characters |\n|---|---|---|---|---|\n"
        f"{evidence}\n\n"
        "---\n\n"
        "*Written with AI assistance from the sources above. Provenance: the `.intoto.jsonl` file beside this one.*\n"
    )


def render_html(markdown: str, *, title: str) -> str:
    """One self-contained page. Citations link to their row of the evidence table."""
    import nh3
    from markdown_it import MarkdownIt

    # no link but our own: a source that says `[F1]: https://…` would else take every citation of F1 to its address
    parser = MarkdownIt("js-default", {"html": False, "linkify": False}).disable(
        ["image", "link", "autolink", "reference"]
    )
    safe = nh3.clean(parser.render(markdown), tags=_ALLOWED_TAGS, attributes={})
    rows = re.sub(r"<td>(F\d{1,4})</td>", r'<td id="\1">\1</td>', safe)
    linked = _CITATION.sub(lambda found: re.sub(r"F\d+", r'<a href="#\g<0>">\g<0></a>', found.group(0)), rows)
    return _PAGE.substitute(title=html.escape(title), body=linked)


def _evidence_row(fact: ConfirmedFact) -> str:
    span = fact.span
    place = f"{span.start}–{span.end}"
    source = fact.source_uri.rpartition("/")[2] if "://" not in fact.source_uri else fact.source_uri
    return f"| {fact.label} | {fact.claim_id} | {_cell(source)} | `{span.snapshot_sha256}` | {place} |"


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def _inline(text: str) -> str:
    """Text of a brief is shown as it is: characters that Markdown would read as markup are escaped."""
    return re.sub(r"([\\`*_~&\[\]<>])", r"\\\1", text)


_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="generator" content="finops_ai">
<meta name="ai-generated" content="assisted">
<title>$title</title>
<style>
  :root { color-scheme: light dark; --line: #8884; --quiet: #8889; }
  body { font: 16px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1.25rem; }
  h1 { font-size: 1.9rem; line-height: 1.2; } h2 { margin-top: 2.2rem; border-bottom: 1px solid var(--line); }
  table { border-collapse: collapse; width: 100%; font-size: .85rem; margin: 1rem 0; }
  th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid var(--line); }
  td code { overflow-wrap: anywhere; font-size: .75rem; } td:target { background: #fd08; }
  li { margin: .5rem 0; } a { color: inherit; text-decoration-color: var(--quiet); }
  @media print { body { margin: 0; max-width: none; } }
</style>
</head>
<body>
$body</body>
</html>
""")
