"""The verb `study`: factorial experiments from one file."""

from __future__ import annotations

from cyclopts import App

from efficienttrust.cli.study.analyse import analyse
from efficienttrust.cli.study.diff import diff
from efficienttrust.cli.study.export import export
from efficienttrust.cli.study.init import init
from efficienttrust.cli.study.plan import plan
from efficienttrust.cli.study.report import report
from efficienttrust.cli.study.retry import retry
from efficienttrust.cli.study.run import run
from efficienttrust.cli.study.status import status
from efficienttrust.cli.study.validate import validate

study = App(name="study", help="Plan, run and analyse factorial experiments from one file.")
for verb in (init, validate, plan, run, status, retry, export, diff, analyse, report):
    study.command(verb)
