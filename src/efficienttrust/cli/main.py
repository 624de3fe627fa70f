"""The `efficienttrust` command: finds the verb, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from efficienttrust import __version__
from efficienttrust.cli.audit import audit
from efficienttrust.cli.compress import compress
from efficienttrust.cli.data import data
from efficienttrust.cli.doctor import doctor
from efficienttrust.cli.fit import fit
from efficienttrust.cli.frontier import frontier
from efficienttrust.cli.limits import limits
from efficienttrust.cli.policy import policy
from efficienttrust.cli.study import study
from efficienttrust.cli.theory import theory
from efficienttrust.cli.verify import verify
from efficienttrust.errors import EfficientTrustError

USAGE = 2
INTERRUPTED = 130

app = App(
    name="efficienttrust",
    help="Train the most trustworthy model that a limited budget buys, and prove what was delivered.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    help_format="markdown",
    suppress_keyboard_interrupt=False,
    print_error=False,
    exit_on_error=False,
    result_action="return_value",
)
for verb in (fit, frontier, compress, audit, verify, limits, theory, study, policy, data, doctor):
    app.command(verb)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; the entry point of `efficienttrust`.

    Args:
        arguments: What stands after the program's name; by default that of this process.
    """
    sys.exit(main(sys.argv[1:] if arguments is None else arguments))


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; an error for the user becomes `error: ...` on stderr, no traceback."""
    try:
        code = app(arguments)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        return _fail(" ".join(str(error).split()), USAGE)
    except EfficientTrustError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output left, as in `efficienttrust data list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # read-only folder, full disk, unreadable file
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", USAGE)
    except KeyboardInterrupt:
        return _fail("stopped at once; nothing was saved after the last checkpoint", INTERRUPTED)


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
