"""The house rules, kept by tests."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from convert.formats import FORMATS
from convert.settings import TESTS

ROOT = Path(__file__).parent.parent
PACKAGE = sorted((ROOT / "convert").rglob("*.py"))
EVERY = [*PACKAGE, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("*.py"))]
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
SOURCE = "\n".join(path.read_text() for path in PACKAGE)
BANNED_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base", "core"}
# What a format may use besides the standard library and its own folder.
PURE = {
    "convert", "convert.errors", "convert.formats.contract", "convert.formats.openai_errors", "convert.hub",
    "convert.losses", "convert.media", "convert.overflow", "convert.sealed", "convert.shape", "convert.sse",
    "convert.stream", "convert.tools", "convert.turns", "convert.unwrap", "marshmallow",
}  # fmt: skip


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports; `from convert import hub` as convert.hub."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if (ROOT / (inner.replace(".", "/") + ".py")).exists() else module


@pytest.mark.parametrize("path", EVERY, ids=relative)
def test_no_module_is_over_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", PACKAGE, ids=relative)
def test_names_of_modules_say_what_is_in_them(path: Path) -> None:
    assert path.stem not in BANNED_NAMES and path.parent.name not in BANNED_NAMES


@pytest.mark.parametrize("path", [path for path in PACKAGE if "formats" in path.parts], ids=relative)
def test_a_format_knows_no_other_format_and_no_network(path: Path) -> None:
    folder = path.parent.name
    for module in imported(path):
        own = module.startswith(f"convert.formats.{folder}") and folder in FORMATS
        registry = path.parent.name == "formats" and path.name == "__init__.py" and module == "convert.formats"
        top = module.split(".")[0]
        assert own or registry or module in PURE or top in sys.stdlib_module_names, f"{relative(path)} imports {module}"


@pytest.mark.parametrize("path", PACKAGE, ids=relative)
def test_providers_are_data(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            named = any(re.search(r"\bprovider(\.name|_name)?$", ast.unparse(side)) for side in sides)
            literal = any(isinstance(side, ast.Constant) and isinstance(side.value, str) for side in sides)
            assert not (named and literal), f"{relative(path)}:{node.lineno} asks which provider it is"


TESTED_ALONE = [path for path in PACKAGE if path.name != "__init__.py" and "migrations" not in path.parts]


@pytest.mark.parametrize("path", TESTED_ALONE, ids=relative)  # migrations are tested together (test_migrate.py)
def test_each_module_has_its_test_file(path: Path) -> None:
    folder = ROOT / "tests" / path.parent.relative_to(ROOT / "convert")
    names = [f"test_{path.stem}.py", f"test_{path.parent.name}_{path.stem}.py"]
    found = [name for name in names if (folder / name).exists()]
    assert found, f"{relative(path)} has none of {', '.join(names)} in {relative(folder)}"


@pytest.mark.parametrize("path", PACKAGE, ids=relative)
def test_what_is_public_says_what_it_is(path: Path) -> None:
    module = tree(path)
    assert ast.get_docstring(module), f"{relative(path)} has no docstring"
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node) or is_protocol(node), f"{relative(path)}: {node.name} has no docstring"


def is_protocol(node: ast.AST) -> bool:
    """The signatures of a format's functions are told in the module's docstring."""
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\b(Convert-[A-Z][A-Za-z]+)\b", SOURCE))))
def test_each_header_is_documented(name: str) -> None:
    assert f"`{name}" in DOCS


@pytest.mark.parametrize("path", sorted((ROOT / "convert" / "providers").glob("*.toml")), ids=lambda path: path.stem)
def test_each_provider_is_documented(path: Path) -> None:
    name = re.search(r'^name = "(.+)"', path.read_text(), re.M)
    assert name and re.search(rf"^## {re.escape(name[1])}\b", DOCS, re.M | re.I)


@pytest.mark.parametrize("how", ["dropped", "approximated", "moved"])
def test_each_kind_of_loss_is_documented(how: str) -> None:
    assert f"`{how}`" in (ROOT / "docs" / "losses.md").read_text()


@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_variables_of_the_tests_are_documented(name: str) -> None:
    assert name in (ROOT / "CONTRIBUTING.md").read_text()
