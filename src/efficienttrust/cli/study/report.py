"""The verb `study report`: a page, a PDF and the figures, from a study or from what it exported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from efficienttrust.cli._output import print_json
from efficienttrust.errors import UsageError


def report(
    study: str,
    /,
    *,
    out: Path | None = None,
    pdf: Annotated[bool, Parameter(negative="--no-pdf")] = True,
    store: str | None = None,
    serve: bool = False,
    port: int = 8000,
    json: bool = False,
) -> int:
    """Make the report of a study: report.html, report.pdf, and each figure as SVG, PNG and CSV in figures/.

    Exports and analyses first where that is missing or of other results; an analysis that `study analyse` made of the
    same results is kept.

    Args:
        study: Study file, its store, its folder with trials.parquet, or that table.
        out: Folder to write to; by default the one that has the name of the study file.
        pdf: Also make report.pdf.
        store: The store, where it is not beside the study file.
        serve: Then serve that folder on 127.0.0.1, until Ctrl-C.
        port: To serve on; 0 takes a free one.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.study.reporting import make_report

    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: give a port from 0 to 65535")
    made = make_report(study, store=store, out=out, pdf=pdf, progress=_say)
    if json:
        print_json({"page": str(made.page), "pdf": str(made.pdf) if made.pdf else None, "figures": str(made.figures),
                    "analysed": made.analysed})  # fmt: skip
    else:
        print(made.page)
    if serve:
        _serve(made.page, port)
    return 0


def _say(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what} …", end="" if what != "pdf" else "\n", file=sys.stderr, flush=True)


def _serve(page: Path, port: int) -> None:
    """Serve the folder of the page to this machine alone."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the page is one request."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(page.parent)))
    except OSError as error:
        raise UsageError(f"cannot serve on port {port}: {error.strerror or error}; use another --port") from error
    with server:
        print(f"http://127.0.0.1:{server.server_address[1]}/{page.name} (Ctrl-C ends)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended")
