"""A study file tells all its faults at once, each at its line."""

from __future__ import annotations

import pytest

from efficienttrust.errors import UsageError
from efficienttrust.study.spec import open_study

HEAD = "name: s\nquestion: q\ndata: [german]\nreference: {steps: 60}\n"
H = "hypotheses:\n  - {name: H1, statement: s, metric: accuracy, factor: constraint, contrast: {none: 1, bits=4: -1}"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            "constraint:\n  a: {kind: tiem}\n",
            "study.yaml:6: constraint.a.kind: unknown constraint kind 'tiem'. Did you mean 'time'?",
        ),
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
        ("seeds:\t3\n\tx: 1\n", "study.yaml:5: not valid YAML: found character '\\t'"),
        ("seeds: 3\nseeds: 4\n", "study.yaml:6: not valid YAML: found duplicate key"),
        ("threads: 4\n", "study.yaml:5: threads: a trial runs in 1 thread"),
        ("executor: {name: slrum}\n", "study.yaml:5: executor.name: unknown executor 'slrum'. Did you mean 'slurm'?"),
        ("limits: {memory: much}\n", "study.yaml:5: limits.memory: "),
        ("targets: [dpd <= 2]\n", "study.yaml:5: targets.0: "),
        ("mitigation: [thershold]\n", "unknown method or policy 'thershold'. Did you mean 'threshold'?"),
        ("mitigation: [threshold(x=1)]\n", "the method threshold takes no options"),
        ("model: [mpl]\n", "unknown network 'mpl'. Did you mean 'mlp'?"),
        ("seeds: 5-2\n", "'5-2' is no range"),
        ("design: {exclude: [{data: german}]}\n", "study.yaml:5: design: no cell is left"),
        ("design: {exclude: [{modle: mlp}]}\n", "unknown factor 'modle'. Did you mean 'model'?"),
        ("constraint: [none, time=30%]\nmitigation: [unconstrained]\n", "trains without a limit on time"),
        ("constraint: [none, size=30%]\n", "state size under reference"),
        ("constraint: {a: time=30%, b: 'time = 30%'}\n", "come to the same settings"),
        ("constraint: [none, prune=0.5]\nmitigation: [prune_only]\n", "prune_only sets prune itself"),
        ("constraint: [none, bits=4]\nfactors: {q: {a: null, b: {quantize: int8}}}\n", "both set quantize"),
        ("factors: {model: {a: null}}\n", "model is a factor already"),
        (H.replace("bits=4", "none") + "}\n", "duplicate key"),
    ],
)  # fmt: skip
def test_faults(tmp_path, monkeypatch, more, says):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + more)
    with pytest.raises(UsageError) as caught:
        open_study(file.relative_to(tmp_path)).trials()
    assert says in str(caught.value)


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("name: s s\ndata: [german]\nreference: {stepps: 4}\nseeds: []\n")
    with pytest.raises(UsageError) as caught:
        open_study(file)
    said = [line.removeprefix(f"{file}:").partition(": ")[::2] for line in str(caught.value).splitlines()]
    assert [line for line, _ in said] == ["1", "1", "3", "4"]
    assert {what.partition(":")[0] for _, what in said} == {"name", "question", "reference.stepps", "seeds"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "give a mapping"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"- a\n", "give a mapping"),
        (None, "no such file"),
    ],
)
def test_what_is_no_study_file(tmp_path, content, says):
    file = tmp_path / "study.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        open_study(file)


def test_the_hint_names_the_factors_that_matter_and_following_it_helps(tmp_path):
    file = tmp_path / "study.yaml"
    text = HEAD + "model: [linear, 'mlp(widths=8)']\nmitigation: [plan, threshold]\nconstraint: [none, width=50%]\n"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        open_study(file)
    assert str(caught.value) == (
        f"{file}:7: constraint.width=50%: does not go with model linear: linear has no width; leave it out, or exclude "
        "{constraint: width=50%, model: linear} in design.exclude"
    )
    file.write_text(text + "design: {exclude: [{constraint: width=50%, model: linear}]}\n")
    assert len(open_study(file).cells) == 6


def test_a_further_factor_that_sets_the_model_is_the_one_that_does_not_fit(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + "constraint: [none, prune=0.5]\nfactors:\n  kind: {net: null, forest: {model: trees}}\n")
    with pytest.raises(
        UsageError, match=r"does not go with kind forest: .*exclude {constraint: prune=0.5, kind: forest}"
    ):
        open_study(file)
