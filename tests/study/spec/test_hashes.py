"""The hash of the code changes with what the code does, and not with how it is written or what no trial runs."""

from __future__ import annotations

import ast
import os
from importlib.resources import files
from pathlib import Path

import pytest

from efficienttrust.study.spec._code import OF_A_STUDY, PARTS, code_hashes, deciding_files, hash_of_code
from efficienttrust.study.spec._hashes import HashCache, data_hash

ROOT = Path(str(files("efficienttrust")))
CODE = '''"""What it is."""


def f(a, b=(1,)):
    """Do."""
    return {"x": f"{a:>{b[0]}}", **{}}, None
'''


def hash_of(tmp_path, code):
    (tmp_path / "code.py").write_text(code)
    return hash_of_code(tmp_path / "code.py")


@pytest.mark.parametrize(
    "written",
    [
        CODE.replace("What it is", "What it was"),
        CODE.replace('    """Do."""\n', ""),
        CODE.replace("return", "# why\n    return"),
        CODE.replace("(a, b=(1,))", "(\n    a,\n    b=(1,),\n)"),
        CODE.replace('"x"', "'x'"),
        CODE.replace("return {", "return ({").replace(", None", "), None").replace("({", "({", 1),
        CODE.replace("\n", "\r\n"),
    ],
)
def test_comments_docstrings_and_formatting_change_nothing(tmp_path, written):
    assert written != CODE
    assert hash_of(tmp_path, written) == hash_of(tmp_path, CODE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("b=(1,)", "b=(2,)"), ("b=(1,)", "b=(1)"), ("None", "False"), ("None", "0"), ("f(a", "g(a"), (">", "<"),
        ("**{}", "**a"), ("(a, b=", "(a, *, b="), ('"x"', 'b"x"'), ("1", "1.0"), ("1", "True"),
        ("return", "yield"), ("def f", "async def f"),
    ],
)  # fmt: skip
def test_what_it_does_changes_it(tmp_path, before, after):
    changed = CODE.replace(before, after)
    assert changed != CODE
    assert hash_of(tmp_path, changed) != hash_of(tmp_path, CODE)


def test_a_document_that_is_no_docstring_counts(tmp_path):
    assert hash_of(tmp_path, "x = 1\n'a'\n") != hash_of(tmp_path, "x = 1\n'b'\n")


def test_each_part_has_a_hash_and_the_same_again(tmp_path):
    cache = HashCache(tmp_path / "cache.json")
    first = code_hashes(cache)
    assert set(first) == set(PARTS)
    assert len(set(first.values())) == len(PARTS)
    cache.save()
    assert code_hashes(HashCache(tmp_path / "cache.json")) == first


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("pipeline/_fit.py", True), ("pipeline/methods/catalogue/threshold.py", True), ("training/_loop.py", True),
        ("pipeline/limits/_assess.py", True), ("study/running/_run_trial.py", True),
        ("metrics/catalogue/accuracy.py", True),
        ("pipeline/_audit.py", False), ("pipeline/frontier/_frontier.py", False), ("report/__init__.py", False),
        ("cli/main.py", False), ("study/running/_drive.py", False), ("study/analysis/_analyse.py", False),
        ("pipeline/levels/_level.py", False), ("data/files/adult.csv.gz", False),
    ],
)  # fmt: skip
def test_what_counts(file, counts):
    deciding = {path for part in PARTS for path in deciding_files(ROOT, part)}
    assert (ROOT / file in deciding) == counts


def test_nothing_that_counts_imports_what_is_left_out():
    """Otherwise a change of what is left out could change a result under the same key."""
    deciding = {path for part in PARTS for path in deciding_files(ROOT, part)}
    front_doors = {
        ROOT / "pipeline/__init__.py",
        ROOT / "pipeline/limits/__init__.py",
        ROOT / "pipeline/methods/__init__.py",
    }
    allowed = {
        ("pipeline/spec.py", "pipeline.levels"),  # the option --baseline of `fit`, which no trial has
        ("pipeline/spec.py", "pipeline.levels._defaults"),
        ("pipeline/_deliver.py", "pipeline.limits"),
    }
    found = set()
    for path in sorted(deciding - front_doors):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("efficienttrust."):
                continue
            module = node.module.removeprefix("efficienttrust.")
            place = ROOT.joinpath(*module.split("."))
            file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
            if file.exists() and file not in deciding and module.partition(".")[0] in PARTS:
                found.add((path.relative_to(ROOT).as_posix(), module))
    outside = {(file, module) for file, module in found if file not in OF_A_STUDY or not module.startswith("study")}
    assert outside <= allowed


def test_data_count_by_content_and_a_changed_file_is_seen(tmp_path):
    table = tmp_path / "loans.csv"
    table.write_text("a,b\n1,2\n")
    cache = HashCache(tmp_path / "cache.json")
    first = data_hash(str(table), cache)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "loans.csv").write_text("a,b\n1,2\n")
    assert data_hash(str(tmp_path / "again" / "loans.csv"), cache) == first
    stat = table.stat()
    table.write_text("a,b\n1,3\n")
    os.utime(table, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert data_hash(str(table), cache) != first


def test_a_damaged_cache_is_no_cache(tmp_path):
    (tmp_path / "cache.json").write_text("[1")
    (tmp_path / "a.csv").write_text("a\n")
    assert data_hash(str(tmp_path / "a.csv"), HashCache(tmp_path / "cache.json"))
