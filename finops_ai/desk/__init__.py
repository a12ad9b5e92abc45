"""The desk: an artifact's evidence in a browser, read from the records at each request.

Belongs here: reading records for the pages (`records`), the web application (`app`), running it (`serving`). Does not: the
pages (`dossier`), signing; the desk only reads.
"""

from finops_ai.desk.app import desk_app
from finops_ai.desk.records import dossier_of, texts_of
from finops_ai.desk.serving import PortTaken, in_background, listen, serve

__all__ = ["PortTaken", "desk_app", "dossier_of", "in_background", "listen", "serve", "texts_of"]
