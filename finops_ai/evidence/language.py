"""Whether a sentence is in a language whose hedges and orders are known here: in any other, nothing is confirmed.

Belongs here: telling that, by alphabet and function words. Does not: which language it is. In doubt a sentence counts as known
only when it uses function words of English, German, French, Spanish or Italian and none that only another language has.
"""

import re

_KNOWN_WORDS = (
    "the of and in is was are were to for on by with from at as that this its it has have an a not after before which who be"
    " der die das und ist war sind wurde wurden im in von mit für auf den dem des ein eine einer nicht zu nach bei aus hat"
    " le la les des du et est sont une un dans pour par sur avec au aux qui que pas ont cette ce"
    " el los las y es fue son una en por con del al se su que más ha no"
    " il lo gli della delle dei di è sono nel nella per con che una un non ha alla"
)
_KNOWN = frozenset(_KNOWN_WORDS.split())
_OTHER_WORDS = (
    "het een van niet zijn wordt werd naar ook maar deze dit jij voor bij"  # Dutch
    " não é uma dos das foi são pela pelo com às ao você seu sua em os"  # Portuguese
    " nie się jest są oraz dla przez który która od po"  # Polish
    " och att det som är av inte med på till"  # Swedish
    " ve bir bu için ile olan"  # Turkish
    " og er på ikke til av"  # Danish, Norwegian
)
_OTHERS = frozenset(_OTHER_WORDS.split())
_SHARED = frozenset({"una", "com", "er", "die", "in"})  # words of both lists tell nothing
_WORD = re.compile(r"[^\W\d_]+")
_LATIN_SHARE_MIN = 0.9


def is_known(sentence: str) -> bool:
    """Whether its hedges, its anonymous sources and its orders would be recognised."""
    words = [word.casefold() for word in _WORD.findall(sentence)]
    letters = "".join(words)
    latin = sum(letter < "\u0250" for letter in letters)
    known = sum(word in _KNOWN - _SHARED for word in words)
    others = sum(word in _OTHERS - _SHARED for word in words)
    return latin >= _LATIN_SHARE_MIN * len(letters) and known > 0 and known > others
