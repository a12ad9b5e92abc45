"""The words of a sentence that carry its meaning: stems, names, negations.

Belongs here: taking a sentence apart, without a model and without word lists that need upkeep. Does not: numbers and dates
(`values`), comparing sentences. A stem is a key for comparing, not a word: "costs", "costing" and "cost" share one.
"""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_STOP_WORDS = (
    "a an the of in on at by for to from with and or as is was were are am be been being it its he him his she her they"
    " them their we our you your i this that these those which who whom whose what when where while there here has have"
    " had having do does did will would shall should can could may might must not no but so if then than too very also"
    " into onto about over under after before during between through per via both each any all some such only own same"
    " just more most other one up down out off again once because until against further since"
)
_STOP = frozenset(_STOP_WORDS.split())
_SUFFIXES = (
    "ational", "ations", "ation", "ingly", "ments", "ment", "ings", "ing", "edly", "ies", "ied", "ers", "er", "ed",
    "es", "ly", "al", "s", "e",
)  # fmt: skip
STEM_LENGTH_MIN = 3
NAME_LENGTH_MIN = 2
SHARED_PREFIX_MIN = 4  # "Canada" and "Canadian"
NEGATION_REACH = 4  # words after a negation that it can turn round
_NEGATION = re.compile(
    r"(?<!\w)(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|hardly|rarely|nie|nicht|kein\w*|ne|pas|jamais"
    r"|non|mai|nunca|sin|\w+n['’]t|(?:fail|refus|declin|deni|stopp|ceas|reject)(?:s|e|ed|es|ied|ies|y)?)(?!\w)",
    re.IGNORECASE,
)
_NAME = re.compile(r"[^\W\d_a-z][\w’'&.-]*")
_CALENDAR_WORDS = (
    "january february march april may june july august september october november december monday tuesday wednesday"
    " thursday friday saturday sunday"
)
_CALENDAR = frozenset(_CALENDAR_WORDS.split())


@lru_cache(maxsize=50_000)
def fold_word(word: str) -> str:
    """Lower case, without accents and possessive: "Müller’s" and "muller" are one."""
    kept = word.casefold().replace("’", "'")
    if not kept.isascii():
        kept = "".join(c for c in unicodedata.normalize("NFKD", kept) if not unicodedata.combining(c))
    return kept.removesuffix("'s").strip("'.-")


@lru_cache(maxsize=50_000)  # a text has few words, many times
def stem(word: str) -> str:
    """Without an English ending, where enough is left."""
    folded = fold_word(word)
    for suffix in _SUFFIXES:
        if folded.endswith(suffix) and len(folded) - len(suffix) >= STEM_LENGTH_MIN:
            return folded[: -len(suffix)]
    return folded


def content_words(sentence: str) -> list[str]:
    """The stems of the words that are no function words, in order, numerals included."""
    return [stem(word) for word in _WORD.findall(sentence) if fold_word(word) not in _STOP]


def names_in(sentence: str) -> list[str]:
    """Capitalised words that are not only so because a sentence begins with them, folded, each once.

    The first word counts where it could be nothing else: with a second capital or digit, or before another name.
    """
    found: list[str] = []
    words = list(_WORD.finditer(sentence))
    for index, match in enumerate(words):
        word = match[0]
        if not _NAME.match(word) or len(word) < NAME_LENGTH_MIN:
            continue
        folded = fold_word(word)
        begins = index == 0 or sentence[: match.start()].rstrip()[-1:] in '.!?:“"„«'
        follows = index + 1 < len(words) and bool(_NAME.match(words[index + 1][0]))
        sure = not begins or any(c.isupper() or c.isdigit() for c in word[1:]) or (follows and folded not in _STOP)
        if sure and folded not in _CALENDAR and folded not in _STOP:
            found.append(folded)
    return list(dict.fromkeys(found))


def first_word(sentence: str) -> str:
    """The word that a sentence begins with, folded; "" where it is a function word, a month or a day."""
    found = _WORD.search(sentence)
    folded = fold_word(found[0]) if found and found[0][0].isupper() else ""
    return "" if folded in _STOP or folded in _CALENDAR else folded


def holds_name(name: str, words: frozenset[str]) -> bool:
    """Whether a text with these folded words speaks of the name, perhaps in another form of it."""
    if name in words or any(part and part in words for part in (name.replace("-", ""), name.rstrip("s"))):
        return True
    if "-" in name and all(part in words for part in name.split("-")):
        return True
    prefix = name[: max(SHARED_PREFIX_MIN, len(name) - 3)]
    return len(name) >= SHARED_PREFIX_MIN and any(
        word.startswith(prefix) and abs(len(word) - len(name)) <= SHARED_PREFIX_MIN for word in words
    )


def folded_words(text: str) -> frozenset[str]:
    """Every word of a text, folded, and the parts of joined ones."""
    words = {fold_word(word) for word in _WORD.findall(text)}
    return frozenset(words | {part for word in words for part in re.split(r"[-'.]", word) if part})


def negations(sentence: str) -> list[tuple[str, frozenset[str]]]:
    """Each negating word with the stems that it can turn round: those that follow it closely."""
    return [
        (found[0], frozenset(content_words(sentence[found.end() :])[:NEGATION_REACH]))
        for found in _NEGATION.finditer(sentence)
    ]
