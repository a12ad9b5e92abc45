"""Which HTML elements a browser does not show: a favourite place for text that only a model is meant to read.

Belongs here: the decision from a tag, its attributes and simple style rules. Does not: walking a document.
"""

import re
from collections.abc import Mapping

UNSEEN_TAGS = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "canvas", "textarea", "select"}
)

_ZERO = r"\s*:\s*[+-]?0*\.?0*(?:px|pt|em|rem|ex|ch|vw|vh|%)?\s*(?:!\s*important\s*)?(?:;|$)"
_FAR = r"\s*:\s*-\s*\d{3,}"
_HIDING_STYLE = re.compile(
    rf"""
    (?:^|;|\s)(?:
        display\s*:\s*none | visibility\s*:\s*(?:hidden|collapse) | content-visibility\s*:\s*hidden
      | (?:font-size|opacity|max-height|max-width){_ZERO}
      | (?:left|right|top|bottom|text-indent|margin-left|margin-top){_FAR}
      | transform\s*:[^;]*(?:scale\(\s*0(?:\.0*)?\s*[,)]|translate[XY]?\([^)]*-\s*\d{{3,}})
      | clip\s*:\s*rect\(\s*(?:0|1px)\D | clip-path\s*:\s*(?:inset\(\s*(?:50|100)%|circle\(\s*0)
    )""",
    re.I | re.X,
)
_STYLE_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.S)
_NAME_SELECTOR = re.compile(r"\s*\w*([.#])(-?[\w-]+)\s*")


def is_hidden(attributes: Mapping[str, str], hiding: frozenset[str] = frozenset()) -> bool:
    """By its own attributes, or by a class or id out of `hiding` (".name", "#name")."""
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    if _HIDING_STYLE.search(_STYLE_COMMENT.sub("", attributes.get("style", ""))):
        return True
    if not hiding:
        return False
    names = {f".{name}" for name in attributes.get("class", "").split()} | {f"#{attributes.get('id', '')}"}
    return not names.isdisjoint(hiding)


def hiding_names(style_sheet: str) -> frozenset[str]:
    """Classes and ids that a style sheet hides by a selector of just that name; every media query counts as met."""
    found: set[str] = set()
    for rule in _STYLE_COMMENT.sub("", style_sheet).split("}"):
        before, _, declarations = rule.rpartition("{")
        if _HIDING_STYLE.search(declarations):
            selectors = before.rpartition("{")[2].split(",")  # without the media query they may stand in
            found.update(kind + name for kind, name in map(_name_of, selectors) if name)
    return frozenset(found)


def _name_of(selector: str) -> tuple[str, str]:
    match = _NAME_SELECTOR.fullmatch(selector)
    return (match[1], match[2]) if match else ("", "")
