"""The rules of the house, read from the source: who may import whom, and what every module must say of itself."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from finops_ai_tests.conftest import REPOSITORY

ROOT = REPOSITORY / "finops_ai"
SHELL = {"orchestration", "cli", "desk", "definitions"}  # may import everything, is imported by nothing below
MAY_NOT_KNOW_RUMORS = {"calls", "generation", "provenance", "publishing", "verification"}


@dataclass(frozen=True)
class Import:
    """One import statement's target, dotted and absolute."""

    file: Path
    line: int
    target: str
    at_load_time: bool  # neither inside a function nor for the type checker only

    @property
    def package(self) -> str:
        """The package of ours that imports: `ledger`; a module of the root by its name: `settings`."""
        return self.file.relative_to(ROOT).parts[0].removesuffix(".py")

    def __str__(self) -> str:
        return f"{self.file.relative_to(REPOSITORY)}:{self.line} imports {self.target}"


@cache
def modules() -> tuple[Path, ...]:
    return tuple(sorted(ROOT.rglob("*.py")))


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for file in modules() for found in imports_of(file, ast.parse(file.read_text())))


def imports_of(file: Path, tree: ast.Module) -> Iterator[Import]:
    later = {id(inner) for outer in ast.walk(tree) if _runs_later(outer) for inner in ast.walk(outer)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(file, node)
            targets = [f"{base}.{alias.name}" if _is_module(base, alias.name) else base for alias in node.names]
        else:
            continue
        for target in targets:
            yield Import(file, node.lineno, target, id(node) not in later)


def _runs_later(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    package = ".".join(file.relative_to(REPOSITORY).parts[: -node.level]) if node.level else ""
    return ".".join(part for part in (package, node.module) if part)


def _is_module(base: str, name: str) -> bool:
    """`from finops_ai import ledger` imports a package; `from finops_ai.ledger import check` imports from one."""
    folder = REPOSITORY.joinpath(*base.split("."))
    is_module = (folder / name).is_dir() or (folder / f"{name}.py").is_file()
    return base.startswith("finops_ai") and is_module and name not in handed_out(folder / "__init__.py")


@cache
def handed_out(file: Path) -> frozenset[str]:
    """The names in `__all__`; the front door is wider than the modules behind it, and may hide one of the same name."""
    tree = ast.parse(file.read_text()) if file.is_file() else ast.Module([], [])
    lists = [
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    return frozenset(ast.literal_eval(lists[0])) if lists else frozenset()


def ours(found: Import) -> str | None:
    """The package of ours that is imported, if it is one."""
    parts = found.target.split(".")
    return parts[1] if parts[0] == "finops_ai" and len(parts) > 1 else None


def between_packages() -> list[Import]:
    return [i for i in imports() if ours(i) and ours(i) != i.package and i.package != "__init__"]


def test_there_is_something_to_read() -> None:
    """Every rule below holds for an empty list."""
    assert len(modules()) > 80
    assert len(between_packages()) > 150
    assert {i.package for i in imports()} >= {"store", "ledger", "briefs", "orchestration", "cli", "evidence"}


def test_only_the_orchestration_wing_imports_dagster() -> None:
    wrong = [i for i in imports() if i.target.split(".")[0].startswith("dagster") and i.package != "orchestration"]
    assert not wrong, "\n".join(map(str, wrong))


def test_the_command_line_loads_the_wing_only_where_a_command_needs_it() -> None:
    """Dagster takes a second to import: `status` and `decide` must not wait for it."""
    wrong = [i for i in imports() if i.package == "cli" and ours(i) == "orchestration" and i.at_load_time]
    assert not wrong, "\n".join(map(str, wrong))


def test_no_domain_package_imports_the_shell() -> None:
    wrong = [i for i in between_packages() if ours(i) in SHELL and i.package not in SHELL]
    assert not wrong, "\n".join(map(str, wrong))


def test_the_wing_knows_nothing_of_the_command_line() -> None:
    wrong = [i for i in between_packages() if i.package == "orchestration" and ours(i) in {"cli", "desk"}]
    assert not wrong, "\n".join(map(str, wrong))


def test_a_package_is_entered_by_its_front_door() -> None:
    """What `__init__` does not hand out may change without asking anybody."""
    wrong = [i for i in between_packages() if len(i.target.split(".")) > 2 and ours(i) != "orchestration"]
    assert not wrong, "\n".join(map(str, wrong))


def test_the_store_rests_on_the_settings_only() -> None:
    assert {ours(i) for i in between_packages() if i.package == "store"} == {"settings"}
    assert not [i for i in between_packages() if i.package == "settings"]


@pytest.mark.parametrize("package", sorted(MAY_NOT_KNOW_RUMORS))
def test_nothing_that_writes_or_publishes_can_reach_a_rumor(package: str) -> None:
    """Not even through a package that it imports: what cannot be reached cannot slip into a prompt."""
    seen: set[str] = set()
    waiting = {package}
    while waiting:
        current = waiting.pop()
        seen.add(current)
        waiting |= {name for i in between_packages() if i.package == current and (name := ours(i))} - seen
    assert "rumors" not in seen


def test_packages_import_each_other_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for found in between_packages():
        graph.setdefault(found.package, set()).add(ours(found) or "")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports in a circle: {' → '.join(error.args[1])}")


def test_private_parts_of_dagster_are_used_in_one_place() -> None:
    """What may move with any release is found at once where it does."""
    private = {
        i.file.relative_to(ROOT).as_posix()
        for i in imports()
        if i.target.startswith("dagster") and any(part.startswith("_") for part in i.target.split("."))
    }
    assert private == {"orchestration/instance_storage.py"}


@pytest.mark.parametrize("folder", ["finops_ai", "finops_ai_tests"])
def test_every_module_says_what_it_is(folder: str) -> None:
    silent = [
        str(file.relative_to(REPOSITORY))
        for file in sorted((REPOSITORY / folder).rglob("*.py"))
        if not ast.get_docstring(ast.parse(file.read_text()))
    ]
    assert not silent


def test_every_name_that_a_package_hands_out_exists() -> None:
    for file in modules():
        if file.name != "__init__.py":
            continue
        tree = ast.parse(file.read_text())
        bound = {
            *(a.asname or a.name for node in tree.body if isinstance(node, ast.ImportFrom) for a in node.names),
            *(node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)),
            *(
                t.id
                for node in tree.body
                if isinstance(node, ast.Assign)
                for t in node.targets
                if isinstance(t, ast.Name)
            ),
        }
        assert handed_out(file) <= bound, file
