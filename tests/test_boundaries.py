"""Who may import what: told from the source, by ast."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "addons" / "taskaudit"
MODULES = sorted(PACKAGE.rglob("*.py"))
IMPURE = {"mitmproxy", "logging", "time", "datetime", "pathlib", "os", "io", "random", "socket"}
PURE = ["catalogue.py", "guard.py", "known_ids.py", "lifecycle.py", "policy/policy.py"]


def name_of(path: Path) -> str:
    """`contract/body.py`, as it is spelt everywhere."""
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    """The module's name as it is imported."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, *, at_load: bool = False) -> Iterator[str]:
    """Every module and name that is imported; with `at_load`, only where the module is loaded."""
    for node in ast.walk(tree(path)) if not at_load else at_module_level(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: a relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_module_level(module: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when a module is loaded: not those in functions, nor under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(module):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_module_level(child)


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 30
    assert "mitmproxy" in tops(PACKAGE / "proxy" / "addon.py")


@pytest.mark.parametrize(
    "path", [p for p in MODULES if "contract/" in name_of(p) or name_of(p) in PURE], ids=name_of
)
def test_the_contract_and_the_catalogue_are_pure(path: Path) -> None:
    assert not tops(path) & IMPURE


@pytest.mark.parametrize("path", [p for p in MODULES if "contract/" in name_of(p)], ids=name_of)
def test_the_contract_knows_nothing_around_it(path: Path) -> None:
    ours = {name for name in imports(path) if name.startswith("taskaudit")}
    assert {name for name in ours if not name.startswith("taskaudit.contract")} == set()


def test_only_proxy_and_sources_know_mitmproxy() -> None:
    knowing = {name_of(path) for path in MODULES if "mitmproxy" in tops(path)}
    assert {name.split("/")[0] for name in knowing} == {"proxy", "sources"}


def test_there_is_one_broad_except_and_it_makes_a_ta901() -> None:
    broad = [
        name_of(path)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None or "Exception" in names_in(node.type) or "BaseException" in names_in(node.type)
        )
    ]
    assert broad == ["guard.py"]


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def test_errors_are_suppressed_by_their_names() -> None:
    suppressed = [
        ast.unparse(node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress")
    ]
    assert not [call for call in suppressed if "(Exception" in call or "(BaseException" in call]


def test_no_module_needs_itself() -> None:
    known = {dotted(path): path for path in MODULES}
    graph = {
        name: {needed for needed in imports(path, at_load=True) if needed in known and needed != name}
        for name, path in known.items()
    }
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert len(order) == len(known)


def test_no_room_needs_itself() -> None:
    """A room is a folder, or a module beside the folders: one stands on others, and none of them on it."""
    known = {dotted(path): name_of(path).split("/")[0] for path in MODULES if name_of(path) != "__init__.py"}
    graph: dict[str, set[str]] = {room: set() for room in known.values()}
    for path in MODULES:
        room = name_of(path).split("/")[0]
        needed = {known[name] for name in imports(path, at_load=True) if name in known}
        graph.setdefault(room, set()).update(needed - {room})
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(graph)


def undocumented(body: list[ast.stmt], within: str = "") -> Iterator[str]:
    """Public classes and functions without a docstring; those that fill in somebody else's hook aside."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
            continue
        if ast.get_docstring(node) is None and node.name not in ("initialize", "read"):
            yield within + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{node.name}.")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_is_public_says_what_it_gives(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "the module itself"
    assert list(undocumented(tree(path).body)) == []


def test_nothing_but_the_version_is_in_the_package_itself() -> None:
    assert [type(node) for node in tree(PACKAGE / "__init__.py").body] == [ast.Expr, ast.Assign]
