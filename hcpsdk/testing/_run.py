"""The command ``run SCRIPT``: runs an unchanged script with an emulated HCP. Imports `_hcp`."""

import os
import pathlib
import runpy
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._hcp import HCP, link


def run(hcp: HCP, script: str, arguments: list[str], other: HCP | None = None) -> None:
    """Run *script* as ``python3 SCRIPT ARGUMENTS`` would, but with *hcp* running.

    An *other* HCP is started as well, with an active/active link between the two.

    Whatever ends the script (its end, `SystemExit`, an exception, Ctrl-C) ends this process in the
    same way and with the same output. The HCP is stopped at the very end of the process, so that
    threads and exit handlers of the script can still use it.
    """
    try:
        pathlib.Path(script).open("rb").close()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"{sys.executable}: can't open file {script!r}: {reason}", file=sys.stderr)
        sys.exit(2)
    hcp.start()
    if other:
        other.start()
        link(hcp, other)
    os.environ.update(hcp.environ)  # for the processes that the script starts
    sys.argv = [script, *arguments]
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = str(pathlib.Path(script).resolve().parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        sys.excepthook = without_our_frames(sys.excepthook, script, error.__traceback__)
        raise


def without_our_frames(
    hook: Callable[..., Any], script: str, whole: TracebackType | None
) -> Callable[..., Any]:
    """*hook*, with tracebacks that begin in the script."""
    begin = whole
    while begin and begin.tb_frame.f_code.co_filename != script:
        begin = begin.tb_next

    def shortened(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        hook(kind, error.with_traceback(begin), begin)

    return shortened
