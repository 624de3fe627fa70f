"""The house stands as it is drawn: imports only go down, rooms are small, every public name says what it does."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "efficienttrust"
FLOORS = (
    "cli",
    "integrations",
    "study",
    "pipeline",
    "report",
    "theory",
    "training",
    "atats",
    "evaluation",
    "compression",
    "threats",
    "losses",
    "models",
    "metrics",
    "resources",
    "data",
    "registry",
    "errors",
)
"""From the roof to the ground; the front door `efficienttrust/__init__.py` stands outside and opens to all."""

MODULES = sorted(SOURCE.rglob("*.py"))
FRONT_DOOR = SOURCE / "__init__.py"
COMMAND = SOURCE / "__main__.py"  # the same command by another way in


def name_of(module: Path) -> str:
    return str(module.relative_to(SOURCE))


def floor_of(module: Path) -> str:
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and floor of every import of our own, wherever in the module it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            # the version is a constant of the front door that every floor may read
            names = [f"{node.module}.{alias.name}" for alias in node.names if alias.name != "__version__"]
        else:
            continue
        for name in names:
            if name.partition(".")[0] == "efficienttrust":
                yield node.lineno, [*name.split("."), "__init__"][1]


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Yield the public functions, classes and methods without a docstring."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in tree.body:
        if isinstance(node, definitions) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield f"{node.lineno}: {node.name}"
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if (
                        isinstance(inner, definitions)
                        and not inner.name.startswith("_")
                        and not ast.get_docstring(inner)
                    ):
                        yield f"{inner.lineno}: {node.name}.{inner.name}"


def test_every_folder_is_a_floor():
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(FLOORS)


@pytest.mark.parametrize("module", [module for module in MODULES if module not in (FRONT_DOOR, COMMAND)], ids=name_of)
def test_imports_only_go_down(module):
    height = FLOORS.index(floor_of(module))
    upward = [
        f"line {line} imports {floor}"
        for line, floor in imported(ast.parse(module.read_text(encoding="utf-8")))
        if floor not in FLOORS or FLOORS.index(floor) < height
    ]
    assert upward == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_public_name_says_what_it_does(module):
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module itself has no docstring"
    assert list(undocumented(tree)) == []


def test_modules_are_small():
    lines = {name_of(module): len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES}
    assert {name: count for name, count in lines.items() if count > 400} == {}
    assert statistics.median(lines.values()) <= 150


ABOUT_TORCH = {
    "machine.py", "_module_graph.py", "_module_scorer.py", "_gathered.py", "_projection.py", "_workpiece.py",
}  # fmt: skip
TRANSFORMS = {"pruning", "quantisation"}  # of torch modules


def test_no_torch_where_arrays_are_enough():
    """Data, metrics, resources, report and compression take numpy arrays.

    Only machine.py may ask about torch, _gathered.py about its processes, and what carries a torch module imports it
    where it is used; what transforms one may live by it.
    """
    for module in MODULES:
        if floor_of(module) in {"data", "metrics", "resources", "report", "compression"}:
            if TRANSFORMS & set(module.parts):
                continue
            tree = ast.parse(module.read_text(encoding="utf-8"))
            names = [
                alias.name if isinstance(node, ast.Import) else str(node.module)
                for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            ]
            uses_torch = any(name.partition(".")[0] == "torch" for name in names)
            assert not uses_torch or module.name in ABOUT_TORCH, name_of(module)
