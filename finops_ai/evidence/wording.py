"""What the wording of a sentence gives away: a hedge, or a source without a name.

Belongs here: word lists, in the languages sources come in. Does not: what follows from a hit (`verdicts`), text that
talks to a model (`injection`).
"""

import re


def phrases(*alternatives: str) -> re.Pattern[str]:
    """Any of these as whole words, in any case; a space stands for any whitespace."""
    joined = "|".join(alternatives).replace(" ", r"\s+")
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


_MAY = re.compile(r"\bmay\b")  # lower case only: the month is written "May"
_HEDGES = phrases(
    "might|could|maybe|perhaps|possibly|potentially|probabl[ey]|presumabl[ey]|supposedly|likely|unlikely|apparently",
    "reportedly|alleged(?:ly)?|purportedly|ostensibly|seemingly|seem(?:s|ed)?|appear(?:s|ed)? (?:to|that|likely)",
    "rumou?r(?:s|ed)?|speculat(?:ed?|es|ion)|tentative(?:ly)?|uncertain|unconfirmed|unverified|tends? to|in theory",
    "(?:is|are|was|were|be|been|widely) (?:believed|thought|assumed|expected|estimated|suspected|projected|slated)",
    "(?:expected|expects?|plans?|planned|planning|intends?|aims?|hopes?|hoping) to|(?:suggests?|indicating) that",
    "(?:we|i|they|many|some|experts|analysts|critics) (?:believe|think|suspect|assume|guess|feel|hope|expect)",
    "in (?:my|our) (?:opinion|view)|as far as (?:we|i) know|to (?:our|my) knowledge|it is possible|can be assumed",
    # German
    "vielleicht|möglicherweise|vermutlich|wahrscheinlich|angeblich|mutmaßlich|offenbar|anscheinend|voraussichtlich",
    "könnten?|dürften?|scheint|wir glauben",
    # French
    "peut-être|probablement|vraisemblablement|apparemment|semble(?:nt|rait)?|pourrai(?:t|ent)|prétendument|serait",
    # Spanish, Italian
    "quizás?|tal vez|probablemente|posiblemente|supuestamente|al parecer|parece|podrían?",
    "forse|probabilmente|presumibilmente|a quanto pare|sembra(?:no)?|potrebbe(?:ro)?|sarebbe",
)
_WHO = "(?:sources?|insiders?|people|persons?|individuals?|someone|officials?|executives?|employees?)"
_SAYS = "(?:says?|said|tells?|told|(?:claim|suggest|report|confirm|reveal|indicate)(?:s|e?d)?)"
_UNNAMED_SOURCES = phrases(
    f"(?:sources?|insiders?|rumou?rs?) (?:{_SAYS}|familiar|close (?:to|with)|ha(?:s|ve) it)",
    f"(?:some|several|multiple|many|two|three|one|other|various|internal|industry|company|well-placed) {_WHO} {_SAYS}",
    rf"{_WHO} (?:familiar with|close to|with (?:\w+ )?knowledge of|briefed on|in the know)",
    r"according to (?:\w+ ){0,2}(?:sources|insiders?|people|rumou?rs?|leaks?|hearsay|gossip|officials|executives)",
    "according to (?:media|press|news|unconfirmed|some|several|various|recent|early|multiple) reports",
    f"(?:anonymous|unnamed|undisclosed|unidentified) {_WHO}|on condition of anonymity|asked not to be named",
    "it (?:is|was|has been) (?:said|rumou?red|reported|alleged|claimed|believed)|(?:is|are|was|were) said to",
    "word (?:has it|on the street)|legend has it|(?:people|they|some) say|i(?:['\\u2019]ve| have)? heard",
    "someone told me|a (?:friend|colleague|little bird) (?:of mine )?(?:told|said|says)|off the record",
    # German
    r"aus \w*kreisen|insidern zufolge|dem vernehmen nach|man sagt|es heißt|gerüchten zufolge",
    # French
    "selon (?:des|certaines|plusieurs) (?:sources|rumeurs)|on dit que|selon les rumeurs",
    # Spanish, Italian
    "según (?:fuentes|rumores)|se dice que|secondo (?:fonti|indiscrezioni|voci)|si dice che",
)
_FORECASTS = phrases(
    "(?:will|won['’]t|shall) (?!of )|(?:is|are|am) (?:going|on track|on course|poised|slated|scheduled) to",
    "forecasts?|(?:we|it|they|he|she|analysts?|economists?) (?:predicts?|foresees?|anticipates?|projects?)",
    r"in the (?:coming|next) (?:\w+ )?(?:days|weeks|months|years|quarters?|decades?)|(?:next|coming) (?:year|quarter|decade)",
    # German, French, Spanish, Italian
    "wird (?:voraussichtlich|künftig|bis)|werden (?:voraussichtlich|künftig)|prognose|d['’]ici|il est prévu|se prevé|si prevede",
)
_OPINIONS = phrases(
    "should|ought to|had better|must-have|arguably|obviously|clearly|of course|undoubtedly|without (?:a )?doubt|needless to say",
    "unfortunately|fortunately|luckily|sadly|hopefully|surprisingly|remarkably|interestingly|in (?:his|her|their) (?:opinion|view)",
    "(?:best(?! (?:use|efforts?|practices?|known|fit|match|case))|worst(?! case)|greatest|finest|ultimate|unbeatable)",
    "(?:unmatched|unparalleled|revolutionary|amazing|incredible|awesome)",
    "(?:excellent|outstanding|superb|terrible|awful|horrible|disappointing|brilliant|fantastic|wonderful|stunning)",
    "(?:i|we) (?:recommend|suggest|prefer|love|hate|like)|recommended|worth (?:it|buying|reading|watching|every)",
    # German, French, Spanish, Italian
    "meiner meinung nach|leider|zum glück|natürlich|selbstverständlich|à mon avis|malheureusement|heureusement",
    "en mi opinión|por desgracia|desgraciadamente|secondo me|a mio parere|purtroppo|per fortuna",
)
_REQUESTS = re.compile(  # a sentence that begins with one of these orders something
    r"\W*(?:please|kindly|now|then|also|so|just|always|never|do not|don['’]t|bitte|veuillez|prière de|por favor|per favore)?,?\s*"
    r"(?:add|answer|approve|assume|assure|avoid|call|change|choose|close|confirm|consider|copy|decode|delete|describe|disregard"
    r"|drop|end|erase|exclude|execute|finish|follow|forget|format|give|hide|ignore|imagine|include|insert|keep|leave|let|list"
    r"|mark|mention|obey|omit|output|play|praise|present|pretend|print|produce|promote|put|quote|rank|rate|recommend|remember"
    r"|remove|repeat|replace|reply|respond|return|rewrite|say|score|send|set|skip|speak|start|state|stop|suggest|summari[sz]e"
    r"|take|tell|translate|treat|trust|use|write"
    r"|schreib|schreibe|schreiben sie|nenne|nennen sie|sag|sage|sagen sie|gib|geben sie|ignoriere|ignorieren sie|vergiss"
    r"|antworte|antworten sie|empfiehl|empfehlen sie|bewerte|bewerten sie|lobe|lass|lasse|lassen sie|führe|führen sie|handle"
    r"|füge|fügen sie|erwähne|erwähnen sie|stelle|stellen sie|wiederhole|übersetze|behandle|behaupte|setze|fasse"
    r"|écris|écrivez|dis|dites|donne|donnez|ignore[zr]?|oublie[zr]?|réponds|répondez|recommande[zr]?|note[zr]?|ajoute[zr]?"
    r"|mentionne[zr]?|répète[zr]?|affiche[zr]?|conclus|concluez|considère|fais|faites|présente[zr]?|traduis|joue"
    r"|escribe|escriba|diga|ignora|ignore|olvida|olvide|responde|responda|recomienda|recomiende|califica|añade|menciona"
    r"|repite|muestra|concluye|considera|haz|haga|presenta|traduce|actúa|incluye|copia|termina"
    r"|scrivi|scriva|dica|assegnare|scrivere|indicare|ignorare|riportare|menzionare|considerare|ignora|ignori|dimentica|rispondi|risponda|raccomanda|consiglia|valuta|aggiungi|menziona"
    r"|ripeti|mostra|concludi|considera|fai|presenta|traduci|agisci|riporta|inserisci|copia|termina)(?!\w)",
    re.IGNORECASE,
)


def request(sentence: str) -> str:
    """The words with which the sentence orders something, or ""."""
    found = _REQUESTS.match(sentence)
    return found[0].strip() if found else ""


def hedge(sentence: str) -> str:
    """The first words that take certainty out of the sentence, or ""."""
    return _found(_MAY, sentence) or _found(_HEDGES, sentence)


def unnamed_source(sentence: str) -> str:
    """The first words that give the sentence to somebody without a name, or ""."""
    return _found(_UNNAMED_SOURCES, sentence)


def forecast(sentence: str) -> str:
    """The first words that speak of what has not happened yet, or ""."""
    return _found(_FORECASTS, sentence)


def opinion(sentence: str) -> str:
    """The first words that judge or recommend instead of stating, or ""."""
    return _found(_OPINIONS, sentence)


def _found(pattern: re.Pattern[str], sentence: str) -> str:
    found = pattern.search(sentence)
    return found[0] if found else ""
