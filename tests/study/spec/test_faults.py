"""A study file tells all its faults at once, each at its line."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.presets import preset_names, preset_text
from efficienttrust.study.spec import open_study

HEAD = "name: s\nquestion: q\ndata: [german]\nreference: {steps: 60}\n"
H = "hypotheses:\n  - {name: H1, statement: s, metric: accuracy, factor: constraint, contrast: {none: 1, bits=4: -1}"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("constraint:\n  a: {kind: tiem}\n", "study.yaml:6: constraint.a.kind: unknown constraint kind 'tiem'. Did you mean 'time'?"),
        ("sedes: 3\n", "study.yaml:5: sedes: unknown key. Did you mean 'seeds'?"),
        ("seeds: [1, 1]\n", "study.yaml:5: seeds: seed 1 is given twice"),
        ("model: [mlp, mlp]\n", "study.yaml:5: model: level mlp is given twice"),
        ("design: {cross: []}\n", "study.yaml:5: design.cross: nothing is crossed"),
        ("model: [linear]\nconstraint: [none, width=50%]\n", "study.yaml:6: constraint.width=50%: does not go with"),
        ("model: [trees]\nmitigation: ['static(adversarial_share=1)']\n", "have no gradient"),
        ("constraint: [none, bits=4]\n" + H + ", test: equivalence}\n", "margin: equivalence needs a margin"),
        ("constraint: [none, bits=4]\n" + H.replace("-1", "1") + "}\n", "the weights sum to 2"),
        ("constraint: [none, bits=8]\n" + H + "}\n", "unknown level of constraint 'bits=4'"),
        ("seeds: &n 3\n", "study.yaml:5: anchors"),
        ("seeds:\t3\n\tx: 1\n", "not valid YAML"),
    ],
)  # fmt: skip
def test_faults(tmp_path, monkeypatch, more, says):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + more)
    with pytest.raises(UsageError) as caught:
        open_study(file.relative_to(tmp_path))
    assert says in str(caught.value)


@pytest.mark.parametrize("name", preset_names())
def test_presets_validate(tmp_path, name):
    file = tmp_path / "study.yaml"
    file.write_text(preset_text(name))
    study = open_study(file)
    assert len({one.key for one in study.trials()}) == study.design.planned
