"""Quality of what `fit` delivers on every modality, at equal budgets of CPU time.

Networks for tables against trees, chest films, CIFAR-10, and clinical sequences whose Bayes rate is known.

    python benchmarks/data_quality.py run [--workers 2] [--only adult] [--quick]    # resumable: done rows are kept
    python benchmarks/data_quality.py table                                         # docs/benchmarks/data_quality.md

Every row is one seed: its own split and its own training. Figures are of the exported file on the test split. Budgets
are seconds of the CPU clock; with two workers both cores are busy, which costs each row some of its steps.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "docs" / "benchmarks" / "data_quality.jsonl"
PAGE = ROOT / "docs" / "benchmarks" / "data_quality.md"
SHARED = Path(os.environ.get("EFFICIENTTRUST_SHARED", ROOT.parent / "shared" / "data"))
MADE = Path(tempfile.gettempdir()) / "efficienttrust_data_quality"
SEEDS = (0, 1, 2)
STAYS, EVENTS = 20_000, 6_000_000
TABLES = ("mlp", "tabular", "ft_transformer(width=0.34, depth=2)", "trees")
PLAIN: tuple[str, ...] = ()
CASES: dict[str, dict[str, Any]] = {
    "adult": {"sensitive": "sex", "targets": PLAIN, "models": TABLES, "seconds": 30},
    "adult, with targets": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.25) >= 0.80"),
        "models": TABLES,
        "seconds": 30,
    },
    "diabetes130": {"sensitive": "race", "targets": PLAIN, "models": TABLES, "seconds": 45},
    "diabetes130, with targets": {
        "sensitive": "gender",
        "targets": ("dpd <= 0.02", "robust_accuracy(pgd, eps=0.25) >= 0.85"),
        "models": TABLES,
        "seconds": 45,
    },
    "nih chest films": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.10", "robust_accuracy(pgd, eps=0.00784) >= 0.55"),
        "models": ("resnet8",),
        "seconds": 180,
    },
    "cifar10 (JPEG)": {
        "sensitive": "",
        "targets": ("worst_group_accuracy >= 0.30", "robust_accuracy(pgd, eps=0.00784) >= 0.40"),
        "models": ("resnet8",),
        "seconds": 240,
    },
    "cifar10 (JPEG) without cat and truck": {
        "sensitive": "",
        "targets": ("worst_group_accuracy >= 0.30", "robust_accuracy(pgd, eps=0.00784) >= 0.40"),
        "models": ("resnet8",),
        "seconds": 240,
    },
    "mimic-shaped sequences": {"sensitive": "sex", "targets": PLAIN, "models": ("gru", "mlp", "linear"), "seconds": 60},
    "mimic-shaped sequences, with targets": {
        "sensitive": "sex",
        "targets": ("dpd <= 0.05", "robust_accuracy(pgd, eps=0.1) >= 0.80"),
        "models": ("gru", "mlp"),
        "seconds": 60,
    },
}
BAYES = "bayes"
HELD_OUT = ("cat", "truck")
SHOWN = ("accuracy", "auc", "worst_group_accuracy", "demographic_parity_difference", "group_auc_gap")


def problem_of(case: str, seed: int) -> Any:
    """Load the data of a case."""
    from efficienttrust import load_problem
    from efficienttrust.data import load_image_problem

    word, sensitive = case.split(",")[0], CASES[case]["sensitive"]
    if word == "adult":
        return load_problem("adult", sensitive=sensitive, seed=seed)
    if word == "diabetes130":
        return load_problem(f"diabetes130:{SHARED / 'diabetes130'}", sensitive=sensitive, seed=seed)
    if word.startswith("nih"):
        return load_image_problem(f"nih_cxr:{SHARED / 'nih_cxr1000'}", sensitive=sensitive, seed=seed)
    if word.endswith("without cat and truck"):
        return load_image_problem(f"npz:{MADE / 'kept_jpeg.npz'}", seed=seed)
    if word.startswith("cifar10"):
        return load_image_problem(f"cifar10:{MADE / 'cifar10_jpeg'}", seed=seed)
    return load_problem(
        _sequences(), label="mortality", positive="1", sensitive=sensitive, unit="subject_id", seed=seed,
        name="mimic-shaped", drop=["los", "los_over_3_days", "readmission_30_days", BAYES],
    )  # fmt: skip


def prepare() -> None:
    """Make what the rows share: a folder of the JPEG zips alone, and a release of known Bayes rate."""
    folder = MADE / "cifar10_jpeg"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cifar10_jpeg_train.zip", "cifar10_jpeg_test.zip"):
        if not (folder / name).exists():
            (folder / name).symlink_to(SHARED / "cifar10" / name)
    _divide_classes(folder)
    _sequences()


def _divide_classes(jpegs: Path) -> None:
    """Write the JPEG images without the classes that are held out, and the lossless ones with and without them."""
    import numpy as np

    from efficienttrust.data.images import image_formats
    from efficienttrust.data.images._reading import Wanted

    read = image_formats.get("cifar10")
    lossy, lossless = (
        read(path, Wanted(part="all")) for path in (jpegs, SHARED / "cifar10" / "cifar10_lossless_subset.npz")
    )
    names = np.array(lossy.classes)
    kept = np.array([name for name in names if name not in HELD_OUT])
    for name, images, inside in (("kept_jpeg", lossy, True), ("kept", lossless, True), ("held_out", lossless, False)):
        rows = np.isin(names[images.y], HELD_OUT) ^ inside
        if name != "kept_jpeg":
            rows &= np.asarray(images.split) == "test"
        classes = kept if inside else np.array(HELD_OUT)
        y = np.searchsorted(classes, names[images.y[rows]])
        split = {"split": np.asarray(images.split)[rows]} if name == "kept_jpeg" else {}
        np.savez(MADE / f"{name}.npz", x=images.x[rows], y=y, class_names=classes, **split)


def _sequences() -> Any:
    """Return the table of the generated release; its column `BAYES` is P(death | what is recorded)."""
    import pandas as pd
    from _mimic import write_release

    from efficienttrust.data.clinical import read_mimic_iv

    table = MADE / "sequences_with_bayes.parquet"
    if not table.exists():
        with tempfile.TemporaryDirectory() as folder:
            law = write_release(Path(folder), stays=STAYS, events=EVENTS, seed=0)
            frame = read_mimic_iv(Path(folder))
        frame[BAYES] = pd.Series(law.recorded["mortality"], index=law.stay)
        frame.reset_index(drop=True).to_parquet(table)
    return pd.read_parquet(table)


def _bayes(problem: Any) -> dict[str, float]:
    """Return what the best rule scores on the very rows of the test split, and in expectation on all rows."""
    from _mimic import bayes_accuracy, bayes_auc
    from sklearn.metrics import accuracy_score, roc_auc_score

    test, p = problem.splits["test"], _sequences()[BAYES].to_numpy()
    mine = p[test.rows]
    return {
        "auc": bayes_auc(p),
        "accuracy": bayes_accuracy(p),
        "test_auc": float(roc_auc_score(test.y, mine)),
        "test_accuracy": float(accuracy_score(test.y, mine > 0.5)),
    }


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Run one row: one model on one case and seed."""
    from efficienttrust import fit
    from efficienttrust.errors import EfficientTrustError

    case = CASES[job["case"]]
    problem = problem_of(job["case"], job["seed"])
    try:
        run = fit(
            problem, budget=f"time={job['seconds']}s cpu", targets=list(case["targets"]), model=job["model"],
            seed=job["seed"],
        )  # fmt: skip
    except EfficientTrustError as error:
        return {**job, "error": str(error)}
    found = {
        "metrics": {key: one["value"] for key, one in run.metrics.items()},
        "status": [verdict.status for verdict in run.verdicts],
        "spent": run.ledger["time"]["used"],
        "steps": run.ledger["clocks"]["steps"],
        "architecture": run.document["model"]["architecture"],
        "size": run.document["model"]["size_bytes"],
        "n_test": len(problem.splits["test"]),
    }
    if job["case"].startswith("mimic"):
        found["bayes"] = _bayes(problem)
    if job["case"].endswith("without cat and truck"):
        held_out = f"near:npz:{MADE / 'held_out.npz'}"
        found["audit"] = _audited(run, f"npz:{MADE / 'kept.npz'}", held_out, suite="quick")
    elif job["case"].startswith("cifar10"):
        lossless = f"cifar10:{SHARED / 'cifar10' / 'cifar10_lossless_subset.npz'}"
        found["audit"] = _audited(run, lossless, f"mnist:{SHARED / 'mnist'}", suite="full")
    return {**job, **found}


def _audited(run: Any, images: str, ood: str, *, suite: str) -> dict[str, Any]:
    """Return attack, corruption and out-of-distribution figures on lossless pixels, of the exported file."""
    from efficienttrust import audit

    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(run.content)
        file.flush()
        made = audit(file.name, images, suite=suite, ood=[ood], limit=500, seconds=60)
    document = made.document
    keys = ("metrics", "corruptions", "ood", "robustness")
    return {key: document.get(key) for key in keys}


def jobs(only: str | None, quick: bool) -> Iterator[dict[str, Any]]:
    """Yield every row, the short ones first."""
    for case, facts in sorted(CASES.items(), key=lambda item: item[1]["seconds"]):
        if only is None or case in only.split(";"):
            for seed in SEEDS[:1] if quick else SEEDS:
                for model in facts["models"]:
                    yield {"case": case, "model": model, "seed": seed, "seconds": 20 if quick else facts["seconds"]}


def run(only: str | None, workers: int, quick: bool) -> None:
    """Run the rows that are not on file yet, and add each as it is done."""
    prepare()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    done = {(row["case"], row["model"], row["seed"], row["seconds"]) for row in rows()}
    todo = [job for job in jobs(only, quick) if (job["case"], job["model"], job["seed"], job["seconds"]) not in done]
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=1) as pool:
        for number, row in enumerate(pool.imap_unordered(run_job, todo), start=1):
            said = row.get("error") or {key: round(row["metrics"][key], 3) for key in SHOWN if key in row["metrics"]}
            print(f"{number}/{len(todo)} {row['case']} {row['model']} {row['seed']}: {said}", flush=True)
            if not quick:
                with ROWS.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**row, "commit": commit.strip(), "workers": workers}) + "\n")


def rows() -> list[dict[str, Any]]:
    """Return the rows on file."""
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()] if ROWS.exists() else []


def table() -> None:
    """Write the page from the rows on file."""
    from _data_quality_page import page

    PAGE.write_text(page(rows(), CASES), encoding="utf-8")
    print(PAGE)


def main() -> None:
    """Run rows or write the page."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=("run", "table"))
    arguments.add_argument("--only", help="names of cases, with ; between them")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--quick", action="store_true", help="one seed, 20 s each; writes nothing")
    given = arguments.parse_args()
    if given.what == "table":
        table()
    else:
        run(given.only, given.workers, given.quick)


if __name__ == "__main__":
    main()
