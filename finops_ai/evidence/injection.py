"""Text that talks to a model instead of a reader: a source is data, never an instruction.

Belongs here: how the words of such orders combine, and the shapes that they take. Does not: the words (`injection_words`),
hidden text (`hidden`, `cleaning`), what follows (`verdicts`). No list is complete: this one makes a person look, and what keeps
an order from being followed is the prompt's structure.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from finops_ai.evidence import injection_words as kind

PHRASE_LENGTH_MAX = 80
SPELLED_LETTERS_MIN = 6
MACHINE_KINDS_MIN = 4  # of a sentence that speaks of a machine: so many parts of an order are hardly by chance
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_ARABIC = re.compile("[\u0600-\u06ff]")
_ARABIC_PREFIX = re.compile("^(?:و|ف)?(?:ب|ل|ك)?(?:ال)?")
_SHAPES = re.compile(
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext)[a-z_]*\|?>|\[/?INST\]|<</?SYS>>"
    r"|\[/?(?:system|assistant|developer|admin|user|inst)\b[^\]\n]{0,60}\]"
    r"|</?(?:function_calls?|invoke|parameter|tool_call|document|sources?|context|instructions?)\b[^>\n]{0,80}>"
    r"|\[(?:end|ende|fin|fine|fim|koniec|einde)\b[^\]\n]{0,60}\]"
    r"|\btool (?:result|output|call|response)s?\b[^:\n]{0,40}:"
    r"|^\W*(?:system(?:nachricht|meldung|hinweis|mitteilung)|komunikat systemowy|mensaje del sistema|message du syst[eè]me"
    r"|messaggio di sistema|(?:avviso|nota|messaggio) (?:dello sviluppatore|del sistema)|systeembericht|системное сообщение)\b"
    r"|\\?[\"'](?:action|azione|accion|aktion)\\?[\"']\s*:\s*\\?[\"']\w+_"
    r"|#{2,}\s*(?:human|user|assistant|system|instruction)s?\s*:"
    r"|(?:^|[|\"])\s*(?:system|assistant|developer|sysadmin)(?: (?:message|prompt|note|override))?\s*:\s"
    r"|(?:(?<!\w)[^\W\d_][ .\-·]{1,3}){11}[^\W\d_](?!\w)"
    r"|\bsystem.prompts?\s*:|\b(?:your|initial|hidden) system.prompts?|\b(?:developer|jailbreak|dan) mode\b"
    r"|(?:[-=*#_]{2,}\s*)(?:end of|ende de[sr]|fin d[eu]|fine de[li]|fim d[oa]|koniec|einde van|конец|نهاية)\b[^\n]{0,60}"
    r"|(?:end of|ende de[sr]|fin du|fine del|fim do|koniec|einde van het|конец) (?:\w+ ){0,2}"
    r"(?:document|dokument|documento|testo|texto|text|source|input|документа)\w*\s*[-=*#_\]>]{2,}"
    r"|\"(?:tool|function|tool_call|arguments|name)\"\s*:\s*[\"{]"
    r"|\b(?:tool[_ ]?call|function[_ ]?call|appel_outil|werkzeugaufruf|llamada[_ ]\w+|chiamata[_ ]\w+|вызов функции"
    r"|chamada[_ ]\w+|wywołanie[_ ]\w+|aanroep[_ ]?\w*|工具调用|调用函数)\s*[:(=]"
    r"|\b[a-z]+_[a-z_]+\(\s*\w+\s*=\s*['\"]",
    re.IGNORECASE,
)
_CODED = re.compile(r"(?:[A-Za-z0-9+/]{24,}={0,2}|(?:[0-9a-f]{2}){14,})")
_SIGNS = (
    "<", "[", "##", '"', "system", "assistant:", "developer", " mode", "--", "==", "**", "__", "end of", "ende de",
    "fin d", "tool ", "action", "azione", "sistema", "syst", "sviluppatore", "систем", "fine de", "fim d", "koniec",
    "einde", "конец", "نهاية", "_call", " call", "_outil", "вызов", "工具", "调用", "='", '="',
)  # fmt: skip
_SPELLED = re.compile(r"(?<!\w)\w[ .·-]{1,3}\w(?:[ .·-]{1,3}\w){4}(?!\w)")
_OTHER_ALPHABET = re.compile("[\u0370-\u04ff]")
_LEET_SIGN = re.compile(r"[a-zA-Z][013457@$][a-zA-Z]")
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"(?<!\w)(?=[a-zA-Z0-9@$]*[a-zA-Z])(?=[a-zA-Z0-9@$]*[013457@$])[a-zA-Z0-9@$]{4,}(?!\w)")
_LOOK_ALIKES = str.maketrans("аеорсухіјѕԁɡһʏαοερντικ", "aeopcyxijsdghyaoepvtik")
_MIXED_WORD = re.compile("(?=[^\\W\\d_]*[a-zA-Z])(?=[^\\W\\d_]*[\u0370-\u03ff\u0400-\u04ff])[^\\W\\d_]{3,}")

# Kinds that together, in one sentence, make an order to a model. The first set that is there decides.
_ORDERS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            (kind.DROP, kind.ORDERS, kind.OLD),
            (kind.DROP, kind.ORDERS, kind.YOU),
            (kind.MACHINE, kind.NOTE, kind.SAY),
            (kind.MACHINE, kind.NOTE, kind.ORDERS),
            (kind.MACHINE, kind.NOTE, kind.HUSH),
            (kind.MACHINE, kind.SAY, kind.YOU),
            (kind.MACHINE, kind.SAY, kind.MUST, kind.FAVOUR),
            (kind.MACHINE, kind.SAY, kind.MUST, kind.NOT),
            (kind.MACHINE, kind.SAY, kind.MUST, kind.HUSH),
            (kind.MACHINE, kind.SAY, kind.OUTPUT, kind.HUSH),
            (kind.YOU, kind.SAY, kind.OUTPUT),
            (kind.YOU, kind.OUTPUT, kind.HUSH),
            (kind.YOU, kind.SAY, kind.HUSH, kind.NOT),
            (kind.YOU, kind.NOW, kind.ROLE),
            (kind.YOU, kind.REVEAL, kind.SECRET),
            (kind.MACHINE, kind.REVEAL, kind.SECRET),
            (kind.ORDERS, kind.REVEAL, kind.SECRET),
            (kind.AUTOMATIC, kind.JUDGE, kind.FAVOUR),
            (kind.AUTOMATIC, kind.JUDGE, kind.MUST, kind.SAY),
            (kind.AUTOMATIC, kind.JUDGE, kind.ORDERS),
            (kind.AUTOMATIC, kind.MUST, kind.SAY),
            (kind.MACHINE, kind.JUDGE, kind.MUST, kind.SAY),
            (kind.MACHINE, kind.JUDGE, kind.FAVOUR, kind.MUST),
            (kind.MACHINE, kind.HUSH, kind.FAVOUR),
            (kind.IF, kind.MACHINE, kind.SAY, kind.NOT),
            (kind.DROP, kind.OLD, kind.SAY),
            (kind.DROP, kind.ORDERS, kind.SAY),
            (kind.YOU, kind.NOW, kind.MACHINE),
            (kind.YOU, kind.NOW, kind.SAY, kind.FAVOUR),
            (kind.YOU, kind.NOW, kind.SAY, kind.HUSH),
            (kind.YOU, kind.NOW, kind.ORDERS, kind.NOT),
            (kind.YOU, kind.SAY, kind.JUDGE, kind.NOT),
            (kind.NOW, kind.SAY, kind.HUSH, kind.NOT),
            (kind.NOTE, kind.JUDGE, kind.SAY, kind.FAVOUR),
            (kind.MACHINE, kind.NOTE, kind.OUTPUT),
            (kind.MACHINE, kind.NOTE, kind.MUST),
            (kind.IF, kind.MACHINE, kind.OUTPUT),
            (kind.IF, kind.MACHINE, kind.YOU),
            (kind.NOW, kind.ROLE, kind.SAY, kind.NOT),
            (kind.OUTPUT, kind.MUST, kind.SAY, kind.HUSH, kind.NOT),
            (kind.DECODE, kind.MACHINE),
        ),
    )
)

# What no claim is made of, though an honest text may well say it.
_NO_STATEMENTS: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            (kind.MACHINE, kind.SAY),
            (kind.MACHINE, kind.MUST),
            (kind.MACHINE, kind.HUSH),
            (kind.MACHINE, kind.ORDERS),
            (kind.MACHINE, kind.ROLE),
            (kind.MACHINE, kind.FAVOUR),
            (kind.MACHINE, kind.IF),
            (kind.MACHINE, kind.NOTE),
            (kind.AUTOMATIC, kind.MUST),
            (kind.AUTOMATIC, kind.JUDGE),
            (kind.OUTPUT, kind.SAY, kind.MUST),
            (kind.OUTPUT, kind.HUSH),
            (kind.DROP, kind.ORDERS),
            (kind.REVEAL, kind.SECRET),
            (kind.NOW, kind.ROLE),
            (kind.DECODE,),
        ),
    )
)


def addressing_a_model(text: str) -> list[str]:
    """What gives it away, in lower case, each once, in order; a sentence as its first words."""
    found = [text[start:end] for start, end in _findings(text)]
    return list(dict.fromkeys(" ".join(phrase.lower().split())[:PHRASE_LENGTH_MAX] for phrase in found))


def addressing_paragraphs(text: str) -> list[tuple[int, int]]:
    """Offsets of the paragraphs that hold such text: an attack is rarely one sentence."""
    places = [(text.rfind("\n\n", 0, at) + 1, text.find("\n\n", at)) for at, _ in _findings(text)]
    return list(dict.fromkeys((start, len(text) if end < 0 else end) for start, end in places))


def speaks_to_its_reader(sentence: str) -> bool:
    """A second person, or a reader that is a machine: whatever it says, it is no statement about a matter."""
    return kind.YOU in kinds_in(_WORD.findall(sentence), sentence) or speaks_of_a_machine(sentence)


def speaks_of_a_machine(sentence: str) -> bool:
    """In words that orders are made of, too few to call it one."""
    kinds = kinds_in(_WORD.findall(sentence), sentence)
    if kind.MACHINE in kinds and len(kinds) >= MACHINE_KINDS_MIN:
        return True
    return any(order <= kinds for order in _NO_STATEMENTS)


def hidden_orders(text: str) -> list[str]:
    """As `addressing_a_model`, with less needed: what nobody is meant to see needs no benefit of the doubt."""
    strict = addressing_a_model(text)
    loose = [text[start:end] for start, end in _sentences(text) if speaks_of_a_machine(text[start:end])]
    return list(dict.fromkeys([*strict, *(" ".join(phrase.lower().split())[:PHRASE_LENGTH_MAX] for phrase in loose)]))


def _findings(text: str) -> Iterator[tuple[int, int]]:
    """Where such text stands. Only sentences that could be one are looked at: most of a page is not worth the time."""
    spans = list(_sentences(text))
    starts = [start for start, _ in spans]

    def around(at: int) -> tuple[int, int]:
        return spans[max(bisect_right(starts, at) - 1, 0)]

    shaped = {around(at) for at in _signs_in(text)}
    worded = {around(at) for at in _meaning_words(text, starts)}
    for start, end in sorted(shaped | worded | set(_disguised(text, spans))):
        sentence = text[start:end]
        if (start, end) in shaped:
            yield from ((start + found.start(), start + found.end()) for found in _SHAPES.finditer(sentence))
        if _is_order(sentence):
            yield start, end


def _signs_in(text: str) -> Iterator[int]:
    lower = text.lower()
    for sign in _SIGNS:
        at = lower.find(sign)
        while at >= 0:
            yield at
            at = lower.find(sign, at + 1)
    yield from (found.start() for found in _SPELLED.finditer(text))


def _meaning_words(text: str, starts: Sequence[int]) -> Iterator[int]:
    """Where a sentence has its second word of some kind; Chinese has no words to count."""
    meaning = {word for word in set(_WORD.findall(text)) if _means(word)}
    before = -1
    for found in _WORD.finditer(text) if meaning else ():
        if found[0] in meaning:
            sentence = bisect_right(starts, found.start())
            if sentence == before or not found[0].isascii():
                yield found.start()
            before = sentence


def _disguised(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    if _LEET_SIGN.search(text) or (not text.isascii() and _OTHER_ALPHABET.search(text)):
        yield from spans


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in _SENTENCE_END.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _is_order(sentence: str) -> bool:
    words = _WORD.findall(sentence)
    kinds = kinds_in(words, sentence)
    if _combines(kinds) or (kind.DECODE in kinds and _CODED.search(sentence)):
        return True
    return any(_combines(kinds_in(_WORD.findall(read), read)) for read in _other_readings(sentence, words))


def _combines(kinds: frozenset[str]) -> bool:
    return len(kinds) > 1 and any(order <= kinds for order in _ORDERS)


def _other_readings(sentence: str, words: Sequence[str]) -> Iterator[str]:
    """The sentence as it is meant, where its spelling is a disguise: s p e l l e d, l33t, or in look-alike letters."""
    if sum(len(word) == 1 for word in words) >= SPELLED_LETTERS_MIN:
        parts = re.split(r"\s{2,}|\s·\s", sentence)
        yield " ".join(re.sub(r"[ .\-·]", "", part) for part in parts)
        yield re.sub(r"[ .\-·]", "", sentence)
    if not sentence.isascii() and _OTHER_ALPHABET.search(sentence):
        yield _MIXED_WORD.sub(lambda found: found[0].translate(_LOOK_ALIKES), sentence)
    if _LEET_SIGN.search(sentence):
        yield _LEET_WORD.sub(lambda found: found[0].translate(_LEET), sentence)


def kinds_in(words: Sequence[str], sentence: str) -> frozenset[str]:
    """What the words of a sentence do, were it an order."""
    kinds: set[str] = set()
    for word in words:
        kinds |= _kinds_of(word)
    for first, second in pairwise(words):
        if _may_begin_pair(first):
            kinds |= _kinds_of_pair(_folded(first), _folded(second))
    if not sentence.isascii() and _WITHOUT_SPACES.search(sentence):
        kinds |= {name for name, entries in _entries().items() if any(entry in sentence for entry in entries[2])}
    return frozenset(kinds)


@lru_cache(maxsize=50_000)
def _folded(word: str) -> str:
    lower = word.casefold().replace("’", "'")
    if lower.isascii():
        return lower
    plain = unicodedata.normalize("NFKD", lower)
    return "".join(c for c in plain if not unicodedata.combining(c))


@lru_cache(maxsize=50_000)
def _kinds_of(word: str) -> frozenset[str]:
    """Of a word as it is written; of the parts of a joined one."""
    folded = _folded(word)
    forms = [folded, *(folded.split("-") if "-" in folded else ())]
    if _ARABIC.match(folded):
        forms.append(_ARABIC_PREFIX.sub("", folded))
    return frozenset(
        name
        for name, (whole, beginnings, _) in _entries().items()
        if any(form in whole or form.startswith(beginnings) for form in forms)
    )


_PAIRS = {
    ("language", "model"): kind.MACHINE,
    ("modele", "de"): kind.MACHINE,
    ("modelo", "de"): kind.MACHINE,
    ("modello", "linguistic"): kind.MACHINE,
    ("modello", "di"): kind.MACHINE,
    ("modelu", "jezykow"): kind.MACHINE,
    ("model", "jezykow"): kind.MACHINE,
    ("modelem", "jezykow"): kind.MACHINE,
    ("языков", "модел"): kind.MACHINE,
    ("artificial", "intelligence"): kind.MACHINE,
    ("intelligence", "artificielle"): kind.MACHINE,
    ("inteligencia", "artificial"): kind.MACHINE,
    ("intelligenza", "artificiale"): kind.MACHINE,
    ("sztuczn", "inteligenc"): kind.MACHINE,
    ("kunstlich", "intelligenz"): kind.MACHINE,
    ("kunstmatige", "intelligentie"): kind.MACHINE,
    ("искусственн", "интеллект"): kind.MACHINE,
    ("del", "modelo"): kind.MACHINE,
    ("modeles", "de"): kind.MACHINE,
    ("al", "modello"): kind.MACHINE,
    ("par", "machine"): kind.MACHINE,
    ("left", "out"): kind.HUSH,
    ("leav", "out"): kind.HUSH,
    ("aucun", "compte"): kind.DROP,
    ("pas", "compte"): kind.DROP,
    ("message", "du"): kind.NOTE,
}


@lru_cache(maxsize=50_000)
def _means(word: str) -> bool:
    return bool(_kinds_of(word) or _may_begin_pair(word) or (not word.isascii() and _WITHOUT_SPACES.search(word)))


@lru_cache(maxsize=50_000)
def _may_begin_pair(word: str) -> bool:
    return _folded(word).startswith(tuple(first for first, _ in _PAIRS))


@lru_cache(maxsize=50_000)
def _kinds_of_pair(first: str, second: str) -> frozenset[str]:
    return frozenset(
        name for (one, other), name in _PAIRS.items() if first.startswith(one) and second.startswith(other)
    )


@lru_cache(maxsize=1)
def _entries() -> dict[str, tuple[frozenset[str], tuple[str, ...], Sequence[str]]]:
    """By kind: whole words, beginnings of words, and parts of texts that know no spaces."""
    found: dict[str, tuple[frozenset[str], tuple[str, ...], Sequence[str]]] = {}
    for name, words in kind.WORDS.items():
        entries = words.split()
        spaceless = [entry for entry in entries if _WITHOUT_SPACES.search(entry)]
        others = [_folded(entry) for entry in entries if entry not in spaceless]
        whole = frozenset(entry[:-1] for entry in others if entry.endswith("."))
        found[name] = whole, tuple(entry for entry in others if not entry.endswith(".")), spaceless
    return found
