"""What a table cannot answer is refused with the reason, and never becomes a number."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.analysis import Options, analyse, analyse_table
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import table_of
from tests.study.analysis.conftest import section, table_from
from tests.study.synthetic import ACCURACY, CONSTRAINTS, Planted, design_of, frame_of, metadata_of, write


def kept(planted: Planted, keep, name: str, **options):
    """Analyse the rows that `keep` picks."""
    design, frame = design_of(planted), frame_of(planted)
    material = Material(table_of(frame[keep(frame)], design, metadata_of(design)), Options(resamples=100, **options))
    return sections.get(name)(material)


def reasons(part) -> str:
    return " | ".join(f"{one.what}: {one.reason}" for one in part.refusals)


def test_one_seed_gives_differences_without_intervals():
    assert "tests about these data sets: one seed" in reasons(section(Planted(seeds=1), "overview"))
    row = section(Planted(seeds=1), "effects").pooled[0]
    assert math.isfinite(row.difference.value)
    assert math.isnan(row.difference.low)
    assert math.isnan(row.p)
    assert "one seed" in section(Planted(seeds=1), "hypotheses").contrasts[0].reason


def test_one_data_set_says_nothing_about_others():
    assert "statements about other data sets: the study has one" in reasons(
        section(Planted(data=("adult",)), "overview")
    )
    assert math.isnan(section(Planted(data=("adult",)), "effects").pooled[0].across_t.low)


def test_a_factor_with_one_level():
    assert "effects of model: the factor has one level" in reasons(section(Planted(models=("mlp",)), "overview"))


def test_zero_variance():
    planted = Planted()
    design, frame = design_of(planted), frame_of(planted).assign(**{ACCURACY: 0.8})
    material = Material(table_of(frame, design, metadata_of(design)), Options(resamples=100))
    assert f"effects on {ACCURACY}: zero variance" in reasons(sections.get("effects")(material))
    assert f"analysis of {ACCURACY}: zero variance" in reasons(sections.get("anova")(material))


def test_a_contrast_that_never_varies_has_no_test():
    exact = Planted(noise_sd=0.0, unit_sd=0.0)
    found = {one.name: one for one in section(exact, "hypotheses").contrasts}["H3"]
    assert "zero variance" in found.reason
    assert math.isnan(found.p)


def test_empty_cells_leave_type_two():
    def keep(frame):
        return ~((frame["factor.model"] == "trees") & (frame["factor.mitigation"] == "atats"))

    found = kept(Planted(), keep, "anova", metrics=(ACCURACY,))
    assert "empty cells (model × mitigation)" in reasons(found)
    assert {one.kind for one in found.terms} == {"II"}


def test_confounded_factors():
    def keep(frame):
        pairs = {"mlp": "baseline", "trees": "atats"}
        return frame["factor.model"].map(pairs) == frame["factor.mitigation"]

    found = kept(Planted(), keep, "anova", metrics=(ACCURACY,))
    assert "mitigation is confounded with the factors before it" in reasons(found)
    assert found.terms == ()


def test_clocks_of_a_shared_machine():
    busy = Planted(contended=0.5)
    found = section(busy, "diagnostics")
    assert found.circumstances.contended > 300
    assert "cost.time_wall" in reasons(found)
    assert "cost.time_wall" not in {one.metric for one in section(busy, "effects").pooled}
    assert "cost.time_cpu" in {one.metric for one in section(busy, "effects").pooled}


def test_a_few_contended_trials_lose_their_clock_alone():
    table = table_from(Planted(contended=0.02))
    material = Material(table, Options())
    lost = int(np.isnan(material.values("cost.time_wall")).sum())
    assert lost == int((table.frame["run.contended"] > 0).sum()) > 0
    assert not np.isnan(material.values("cost.time_cpu")).any()


def test_different_numbers_of_threads():
    planted = Planted()
    design, frame = design_of(planted), frame_of(planted)
    frame.loc[:9, "run.threads"] = 4
    material = Material(table_of(frame, design, metadata_of(design)), Options())
    assert "different numbers of threads (1, 4)" in material.refused("cost.time_cpu")
    assert material.refused("cost.flops") == ""


def test_no_diagram_of_ranks_below_eight_data_sets():
    found = section(Planted(), "comparisons")
    assert "critical-difference diagrams and ranks over data sets: 4 of the 8 data sets" in reasons(found)
    assert found.ranks == ()


def test_without_constraints_or_targets():
    plain = Planted(constraints={"none": CONSTRAINTS["none"]})
    assert "no constraint with a dose" in reasons(section(plain, "dose"))
    assert "no constraint with a dose" in reasons(section(plain, "mediation"))
    planted = Planted()
    design, frame = design_of(planted), frame_of(planted).assign(hit=np.nan)
    material = Material(table_of(frame, design, metadata_of(design)), Options(resamples=100))
    assert "P(hit): no targets were asked" in reasons(sections.get("feasibility")(material))


def test_all_feasible_needs_no_model():
    assert "every trial is feasible" in reasons(section(Planted(), "feasibility"))


def test_a_table_where_everything_failed_is_analysed_and_says_nothing():
    planted = Planted(failing=1.0)
    found = analyse_table(table_from(planted), options=Options(resamples=100))
    assert found.overview.counts == {"done": 0, "infeasible": 0, "failed": 720}
    assert found.effects.pooled == ()
    assert "P(feasible): no trial ran to an end" in reasons(found.feasibility)


def test_levels_that_miss_altogether():
    found = kept(Planted(), lambda frame: frame["factor.mitigation"] != "penalty", "effects")
    assert {one.level for one in found.pooled if one.factor == "mitigation"} == {"atats"}
    assert "effect of mitigation 'penalty'" in reasons(found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ("metric.acuracy",)}, "Did you mean 'metric.accuracy'"),
        ({"level": 95}, "between 0.5 and 1"),
        ({"resamples": 3}, "at least 100"),
    ],
)
def test_wrong_options(tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        analyse(write(tmp_path / "trials.parquet"), options=Options(**options))


def test_wrong_files(tmp_path):
    import pandas as pd

    with pytest.raises(UsageError, match="is no file"):
        analyse(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(UsageError, match="is no Parquet file"):
        analyse(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(UsageError, match="no design"):
        analyse(tmp_path / "other.parquet")


def test_levels_that_the_design_does_not_know():
    planted = Planted()
    design = dataclasses.replace(design_of(planted))
    frame = frame_of(planted).replace({"factor.model": {"trees": "forest"}})
    with pytest.raises(UsageError, match="'forest'"):
        table_of(frame, design, {})
    with pytest.raises(UsageError, match="no column 'seed'"):
        table_of(frame.drop(columns="seed"), design, {})
    with pytest.raises(UsageError, match="no trials"):
        table_of(frame[:0], design, {})
