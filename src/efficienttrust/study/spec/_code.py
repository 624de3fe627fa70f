"""Which code decides results, and its hash: what it does, not how it is written."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from efficienttrust.study.spec._hashes import HashCache, hash_of_bytes

PARTS = (
    "errors", "registry", "data", "resources", "metrics", "models", "losses", "threats", "compression", "evaluation",
    "atats", "training", "theory", "pipeline", "study",
)  # fmt: skip
"""Parts of the package that decide what a trial comes to; theory, because it tells what is infeasible."""
LEFT_OUT = (
    "data/files/**",  # bundled data have a hash of their own
    "pipeline/_audit*.py", "pipeline/_origin.py", "pipeline/_verify.py", "pipeline/limits/_curve.py",
    "pipeline/methods/_common_attack.py", "pipeline/compressing/**", "pipeline/frontier/**", "pipeline/levels/**",
    "pipeline/policies/**",
)  # fmt: skip
"""What of them no trial runs: other verbs, and what is drawn of a finished run."""
OF_A_STUDY = ("study/running/_run_trial.py", "study/running/_figures.py")
"""What of the floor `study` counts: the rest plans, keeps and analyses."""


def code_hashes(cache: HashCache) -> dict[str, str]:
    """Return a hash for each part of the package that decides results.

    Of a Python file the syntax tree is hashed, which comments, docstrings, formatting and the version of Python leave
    as it is; of other files the bytes.
    """
    root = Path(str(files("efficienttrust")))
    hashes = {}
    for part in PARTS:
        digest = hashlib.sha256()
        for path in deciding_files(root, part):
            how, make = ("code", hash_of_code) if path.suffix == ".py" else ("bytes", hash_of_bytes)
            made = cache.of(path, how, make)
            digest.update(f"{path.relative_to(root).as_posix()}\0{made}\n".encode())
        hashes[part] = digest.hexdigest()
    return hashes


def deciding_files(root: Path, part: str) -> list[Path]:
    """Return the files of a part of the package in a folder that decide results, sorted."""
    if part == "study":
        return [root / one for one in OF_A_STUDY]
    if (root / f"{part}.py").exists():
        return [root / f"{part}.py"]
    left_out = {path for pattern in LEFT_OUT if pattern.startswith(f"{part}/") for path in root.glob(pattern)}
    found = {path for path in (root / part).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    return sorted(path for path in found - left_out if not left_out & {*path.parents})


def hash_of_code(path: Path) -> str:
    """Return the SHA-256 of what a Python file does."""
    digest = hashlib.sha256()
    for word in _words(ast.parse(path.read_bytes())):
        digest.update(f"{word}\n".encode())
    return digest.hexdigest()


def _words(node: object) -> Iterator[str]:
    """Yield a syntax tree as words, without docstrings.

    Fields that are empty are left out, as versions of Python differ in those they know, so that words do not.
    """
    if isinstance(node, list):
        yield "["
        for one in node:
            yield from _words(one)
        yield "]"
    elif isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name in sorted(node._fields):
            value: Any = getattr(node, name, None)
            if name == "body" and _documented(node):
                value = value[1:]
            if name == "value" and isinstance(node, ast.Constant | ast.MatchSingleton):
                yield repr(value)
            elif name not in ("ctx", "kind") and value is not None and value != []:
                yield name
                yield from _words(value)
        yield ")"
    else:
        yield repr(node)


def _documented(node: ast.AST) -> bool:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return ast.get_docstring(node, clean=False) is not None
