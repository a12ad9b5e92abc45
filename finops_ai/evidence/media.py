"""Which kind of source some bytes are, and in which character set.

Belongs here: the decision from name, Content-Type and first bytes; decoding. Does not: reading any of the kinds.
"""

import codecs
import re
from pathlib import PurePosixPath

from finops_ai.evidence.model import EvidenceError

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FEED = "application/feed+xml"  # ours, for RSS and Atom alike

_BY_SUFFIX = {
    ".atom": FEED,
    ".csv": "text/csv",
    ".docx": DOCX,
    ".htm": "text/html",
    ".html": "text/html",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".rss": FEED,
    ".text": "text/plain",
    ".tsv": "text/csv",
    ".txt": "text/plain",
    ".xhtml": "text/html",
    ".xml": FEED,
}
_BY_CONTENT_TYPE = {
    "application/atom+xml": FEED,
    "application/pdf": "application/pdf",
    "application/rdf+xml": FEED,
    "application/rss+xml": FEED,
    "application/x-pdf": "application/pdf",
    "application/xhtml+xml": "text/html",
    "application/xml": FEED,
    DOCX: DOCX,
    "text/csv": "text/csv",
    "text/html": "text/html",
    "text/markdown": "text/markdown",
    "text/tab-separated-values": "text/csv",
    "text/x-markdown": "text/markdown",
    "text/xml": FEED,
}
_SAYS_LITTLE = {"", "application/octet-stream", "binary/octet-stream", "text/plain"}  # the name knows better
_SAYS_ITS_CHARSET = {"application/pdf", DOCX, FEED}  # in its own bytes; what a server adds is not asked for
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# (?>…): comments that follow each other are tried in one way only, not in every way to join them
_HTML_HEAD = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?>(?:<!--.*?-->\s*)*)<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_XML_HEAD = re.compile(rb"\A(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*<")
_FEED_ROOT = re.compile(rb"<(?:[\w.-]{1,20}:)?(?:rss|feed|RDF)[\s>]")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_META_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I)
# No utf-7, punycode or escape codecs: under them harmless-looking bytes become other text than a browser shows.
_TEXT_CODEC = re.compile(r"(utf-(8|16)|ascii|iso8859|cp\d|mac-|koi8|shift_jis|euc_|gb|big5|tis-620)[\w-]*")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def media_type_of(name: str, content_type: str | None, head: bytes) -> str:
    """One that `extraction` reads; with "; charset=…" when a server named another than UTF-8. Raises EvidenceError.

    `name` is a file's name or a URL's path, `head` at least the first kilobyte.
    """
    stated, _, parameters = (content_type or "").partition(";")
    kind = _kind_of(PurePosixPath(name.lower()).suffix, stated.strip().lower(), head)
    charset = _CHARSET.search(parameters)
    if charset is None or kind in _SAYS_ITS_CHARSET or _codec_of(charset[1]) == "utf-8":
        return kind
    return f"{kind}; charset={charset[1].lower()}"


def decode(content: bytes, media_type: str) -> str:
    """By byte order mark, else the charset of the media type, else of an HTML meta element, else UTF-8."""
    codec = _codec_stated(content, media_type)
    try:
        return content.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        raise EvidenceError(f"not {codec}: byte {problem.start} cannot be decoded; save the source as UTF-8") from None


def _kind_of(suffix: str, stated: str, head: bytes) -> str:
    if head.lstrip().startswith(b"%PDF-"):
        return "application/pdf"
    kind = _BY_CONTENT_TYPE.get(stated)
    if stated in _SAYS_LITTLE:
        kind = _BY_SUFFIX.get(suffix) or _kind_of_unknown_name(head, is_text=stated == "text/plain" or not suffix)
    if kind is None:
        found = f"a file named *{suffix}" if suffix and stated in _SAYS_LITTLE else stated or "unknown binary content"
        raise EvidenceError(f"{found} cannot be a source; PDF, DOCX, HTML, Markdown, plain text, CSV, RSS and Atom can")
    if reason := _contradiction(kind, head):
        raise EvidenceError(reason)
    return kind


def _kind_of_unknown_name(head: bytes, *, is_text: bool) -> str | None:
    if _HTML_HEAD.match(head):
        return "text/html"
    if _XML_HEAD.match(head) and _is_feed(head):
        return FEED
    return "text/plain" if is_text and b"\0" not in head else None


def _contradiction(kind: str, head: bytes) -> str:
    """Why the first bytes cannot be of this kind, or ""."""
    if kind == "application/pdf":
        return "called a PDF, but it does not begin with %PDF-"
    if kind == DOCX and head.startswith(_OLE):
        return "called a DOCX, but it is protected by a password or an old .doc; save it as .docx without a password"
    if kind == DOCX and not head.startswith(_ZIP):
        return "called a DOCX, but it is no zip archive"
    if kind == FEED and not _is_feed(head):
        return "XML that is neither RSS nor Atom cannot be a source"
    return ""


def _is_feed(head: bytes) -> bool:
    return bool(_FEED_ROOT.search(head.replace(b"\0", b"")))  # in UTF-16 every other byte of a tag is zero


def _codec_stated(content: bytes, media_type: str) -> str:
    for mark, codec in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return codec
    if charset := _CHARSET.search(media_type):
        return _codec_of(charset[1])
    if media_type == "text/html" and (meta := _META_CHARSET.search(content[:2048])):
        return _codec_of(meta[1].decode("ascii"))
    return "utf-8"


def _codec_of(charset: str) -> str:
    try:
        codec = codecs.lookup(charset).name
    except LookupError:
        raise EvidenceError(f"charset {charset!r} is unknown; save the source as UTF-8") from None
    if not _TEXT_CODEC.fullmatch(codec):
        raise EvidenceError(f"charset {charset!r} is refused; save the source as UTF-8")
    return "cp1252" if codec in {"iso8859-1", "ascii"} else codec  # as every browser reads them
