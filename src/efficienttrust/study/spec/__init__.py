r"""The study file: one strict YAML file that states factors, their levels, the design, and what is to be tested.

A level of a factor is a short name with what it means for the settings of a trial: data, a network, a constraint, a
method or a policy. `open_study` reads a file and checks all of it: form, names, sums of contrasts, and whether every
cell can be trained at all. It tells all faults at once, each with its line, and runs nothing. The trials that come of
it are known by content: the hash of everything that decides their result.

What was declared before the first trial (hypotheses, contrasts, families, margins) has a hash of its own, which the
report shows; a change of it afterwards is seen.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = Path(folder.name) / "small.yaml"
    >>> lines = ["name: small", "question: What does half the training cost?", "data: [german]",
    ...          "constraint: [none, time=50%]", "reference: {steps: 60}", "seeds: 2"]
    >>> _ = file.write_text("\n".join(lines))
    >>> [(one.factors["constraint"], one.settings["budget"], one.seed) for one in open_study(file).trials()][1:3]
    [('none', 'time=60 steps', 1), ('time=50%', 'time=30 steps', 0)]
    >>> folder.cleanup()
"""

from pathlib import Path as Path

from efficienttrust.study.spec._reading import study_schema
from efficienttrust.study.spec._study import Study, environment, open_study

__all__ = ["Study", "environment", "open_study", "study_schema"]
