"""Reading a brief from YAML, with errors that name file, line, field and reason.

Belongs here: the limits of the format and the lines of its fields. Does not: what a brief means (`model`).
A brief is input from anybody, so nothing in it is expanded: no anchors, no tags, no more than a screen or two of text.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from finops_ai.briefs.model import Brief

BYTES_MAX = 256_000
DEPTH_MAX = 8

_OPENING = (
    yaml.FlowSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.BlockMappingStartToken,
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one place."""

    file: str
    field: str  # "" when the file as a whole is meant
    reason: str
    line: int | None = None  # 1 is the first

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


class BriefError(Exception):
    """A brief that cannot be accepted, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


@dataclass(frozen=True, slots=True)
class BriefFile:
    """A brief and the folder that its local sources may lie below."""

    brief: Brief
    folder: Path
    name: str = ""  # as its submitter wrote it; "": it was never a file


def read_brief(path: Path, *, roots: tuple[Path, ...] = (), stores: tuple[str, ...] = ()) -> BriefFile:
    """The brief in a file, its local sources as absolute paths. Raises BriefError.

    A local source lies below the brief's folder or one of `roots`, an object below one of the prefixes in `stores`: a
    brief must not be able to publish /etc/passwd, nor a bucket that only the deployment may read.
    """
    brief = parse_brief(_text_of(path), name=str(path))
    folder = path.resolve().parent
    located = []
    problems = []
    for index, source in enumerate(brief.sources):
        uri, reason = locate(source.uri, folder=folder, roots=roots, stores=stores)
        located.append(source.model_copy(update={"uri": uri}))
        if reason:
            problems.append(
                Problem(str(path), f"sources.{index}.uri", reason, _line_of(path, ("sources", index, "uri")))
            )
    if problems:
        raise BriefError(problems)
    return BriefFile(brief.model_copy(update={"sources": located}), folder, str(path))


def parse_brief(text: str, *, name: str) -> Brief:
    """The brief in a YAML text; `name` is what errors call it. Raises BriefError."""
    record, lines = _load(text, name)
    try:
        return Brief.model_validate(record)
    except ValidationError as error:
        raise BriefError(
            [
                Problem(name, ".".join(map(str, e["loc"])), _reason(e["msg"]), _nearest_line(lines, e["loc"]))
                for e in error.errors(include_url=False, include_input=False)
            ]
        ) from None


def locate(uri: str, *, folder: Path, roots: tuple[Path, ...], stores: tuple[str, ...] = ()) -> tuple[str, str]:
    """(the address to store, why it cannot be accepted or ""). Web addresses and objects are judged when they are read.

    A pattern (`notes/*.md`) stays one: it stands for the files that match when the sources are retrieved.
    """
    from finops_ai.evidence import RetrievalRules, is_pattern, is_store, path_of, refusal_of

    if urlsplit(uri).scheme in ("http", "https"):
        return uri, ""
    if reason := refusal_of(uri, rules=RetrievalRules(base=folder, roots=roots, stores=stores)):
        return uri, reason
    if is_store(uri):
        return uri, ""
    path = path_of(uri, base=folder)
    return str(path if is_pattern(uri) else path.resolve()), ""


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise BriefError([Problem(str(path), "", error.strerror or str(error))]) from None
    if len(content) > BYTES_MAX:
        raise BriefError(
            [Problem(str(path), "", f"larger than {BYTES_MAX:,} bytes; a brief names sources, it does not hold them")]
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BriefError([Problem(str(path), "", f"not UTF-8 text: {error}")]) from None


def _load(text: str, name: str) -> tuple[object, dict[tuple[str | int, ...], int]]:
    """The plain values of the document and the line of each. Built node by node, so that nothing is ever expanded."""
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        depth = 0
        for token in yaml.scan(text):  # token by token: the time to scan brackets grows with the square of their depth
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            line = token.start_mark.line + 1
            if depth > DEPTH_MAX:
                raise BriefError([Problem(name, "", f"nested deeper than {DEPTH_MAX}", line)])
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                raise BriefError([Problem(name, "", "anchors, aliases and tags are not allowed in a brief", line)])
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line + 1 if error.problem_mark else None
        raise BriefError([Problem(name, "", f"not valid YAML: {error.problem}", at)]) from None
    except yaml.YAMLError as error:
        raise BriefError([Problem(name, "", f"not valid YAML: {error}")]) from None
    if not isinstance(root, yaml.MappingNode):
        raise BriefError([Problem(name, "", "a brief is a mapping of fields; start from the example in the README")])
    return _plain(root, (), lines, name), lines


def _plain(node: yaml.Node, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], name: str) -> object:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _plain_mapping(node, place, lines, name)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), lines, name) for index, item in enumerate(node.value)]
    if node.tag == "tag:yaml.org,2002:timestamp":  # a date stays the text that was written
        return node.value
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:
        raise BriefError([Problem(name, ".".join(map(str, place)), str(error), lines[place])]) from None


def _plain_mapping(
    node: yaml.MappingNode, place: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int], name: str
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value_node in node.value:
        at = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise BriefError([Problem(name, ".".join(map(str, place)), "a field's name must be plain text", at)])
        key = str(key_node.value)
        if key in found:
            raise BriefError([Problem(name, ".".join(map(str, (*place, key))), "this field is given twice", at)])
        found[key] = _plain(value_node, (*place, key), lines, name)
    return found


def _nearest_line(lines: dict[tuple[str | int, ...], int], place: tuple[str | int, ...]) -> int | None:
    """A missing field has no line of its own: the line of what should hold it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def _line_of(path: Path, place: tuple[str | int, ...]) -> int | None:
    return _nearest_line(_load(_text_of(path), str(path))[1], place)


def _reason(message: str) -> str:
    return {"Extra inputs are not permitted": "unknown field", "Field required": "this field is missing"}.get(
        message, message.removeprefix("Value error, ")
    )
