"""Text that talks to a model instead of a reader: a source is data, never an instruction.

Belongs here: the phrases such text uses. Does not: hidden text (`hidden`, `cleaning`), what follows (`verdicts`). No
list is complete: this one makes a person look, and what keeps an order from being followed is the prompt's structure.
"""

import re

from finops_ai.evidence.wording import phrases

_OLD = "(?:previous|prior|preceding|above|earlier|former|foregoing|existing|other|system|original)"
_ORDERS = (
    "(?:instructions?|prompts?|directions?|directives?|rules?|guidelines?|commands?|context|messages?|constraints?)"
)
_DROP = "(?:ignore|disregard|forget)"
_FILL = r"(?:\w+ ){0,4}?"
_TO_A_MODEL = phrases(
    f"{_DROP} (?:(?:all|any|every|of|the|your|my|these|those) ){{0,4}}{_OLD}(?: {_OLD})?(?: {_ORDERS})?",
    f"(?:override|bypass|skip|do not (?:follow|obey)) {_FILL}(?:{_OLD}|your) (?:{_OLD} )?{_ORDERS}",
    f"{_DROP} {_FILL}(?:your|these|those|all|any) {_ORDERS}",
    rf"{_DROP} (?:everything|all|anything) (?:\w+ ){{0,3}}(?:above|before|said|told|previously)",
    r"you are now (?:an?|the|in|acting|free|no longer|\w*gpt|dan)|from now on,? you",
    "(?:pretend|imagine) (?:that )?(?:you are|to be) (?:an?|the)|act as (?:if you|an? (?:ai|assistant|unrestricted))",
    "(?:your|hidden|secret|initial) system.prompts?|system.prompts?:",  # a paper may speak of system prompts
    "(?:developer|jailbreak|dan) mode|new instructions:",
    "as an? (?:ai|large) (?:language )?(?:model|assistant)|if you are an? (?:ai|llm|language model|assistant|chatbot)",
    "(?:ai|llm|language) (?:models?|assistants?|agents?) (?:reading|summari[sz]ing|processing) (?:this|the)",
    "(?:note to|dear|hey|instructions? (?:for|to)),? (?:all |any |the )?"
    "(?:ai|llms?|chatgpt|gpt|claude|gemini|copilot|language models?)",
    r"(?:reveal|print|repeat|output|show)(?: me)? your (?:\w+ )?(?:prompt|instructions)",
    # German
    rf"(?:ignorier|missacht|vergiss|überspring)\w* {_FILL}(?:vorherig|obig|bisherig|vorangegangen|vorig|früher)\w*",
    rf"(?:ignorier|missacht|vergiss)\w* {_FILL}(?:anweisung|instruktion|vorgabe)\w*",
    r"du bist (?:jetzt|nun|ab sofort)|(?:dein|ihr|euer)\w* (?:system-?prompts?|systemanweisung(?:en)?)",
    # French
    f"(?:ignore[zr]?|oublie[zr]?|néglige[zr]?) {_FILL}(?:instructions?|consignes?|directives?)",
    "(?:ignore[zr]?|oublie[zr]?) (?:tout )?ce qui précède|(?:tu es|vous êtes) (?:maintenant|désormais)",
    "(?:invite|prompt) système",
    # Spanish
    f"(?:ignor[ae]n?|olvid[ae]n?|omit[ae]n?|descart[ae]n?) {_FILL}(?:instrucciones|indicaciones|órdenes)",
    "(?:ignora|olvida) (?:todo )?lo anterior|ahora eres|a partir de ahora,? (?:eres|actúa)",
    "(?:mensaje|prompt) del sistema",
    # Italian
    f"(?:ignora(?:te|re)?|dimentica(?:te|re)?|trascura(?:te|re)?) {_FILL}(?:istruzioni|indicazioni|direttive)",
    "(?:ignora|dimentica) (?:tutto )?(?:ciò|quello|quanto) (?:che )?precede|(?:ora|adesso) sei|prompt di sistema",
)
_CHAT_MARKUP = re.compile(r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>")


def addressing_a_model(text: str) -> list[str]:
    """The phrases found, in lower case, each once, in order."""
    found = [match[0] for pattern in (_TO_A_MODEL, _CHAT_MARKUP) for match in pattern.finditer(text)]
    return list(dict.fromkeys(" ".join(phrase.lower().split()) for phrase in found))


def addressing_paragraphs(text: str) -> list[tuple[int, int]]:
    """Offsets of the paragraphs that hold such a phrase: an attack is rarely one sentence."""
    found = sorted({match.start() for pattern in (_TO_A_MODEL, _CHAT_MARKUP) for match in pattern.finditer(text)})
    places = [(text.rfind("\n\n", 0, at) + 1, text.find("\n\n", at)) for at in found]
    return list(dict.fromkeys((start, len(text) if end < 0 else end) for start, end in places))
