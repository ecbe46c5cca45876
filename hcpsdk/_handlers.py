"""Exceptions that the caller's signal handlers raise while the library is at work.

They belong to the caller, whatever their type is (contract 4.5). Imports nothing of the library.
"""

from __future__ import annotations

import functools
import sys
from types import CodeType


def raise_if_from_handler(error: BaseException) -> None:
    """Raise *error* again if a signal handler raised it.

    A ``TimeoutError`` of a handler is no different from one of a socket, except for where it comes
    from: the code of a handler is in its traceback. It is looked for only after a failure, so that
    requests cost nothing more.
    """
    traceback = error.__traceback__
    codes = set()
    while traceback is not None:
        codes.add(traceback.tb_frame.f_code)
        traceback = traceback.tb_next
    if not codes.isdisjoint(_codes_of_handlers()):
        raise error


def _codes_of_handlers() -> list[CodeType]:
    # Not imported here: whoever has set a handler has done that.
    signal = sys.modules.get("signal")
    if signal is None:
        return []
    found = []
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if not callable(handler):
            continue
        while isinstance(handler, functools.partial):
            handler = handler.func
        function = getattr(handler, "__func__", handler)  # of a bound method
        if not hasattr(function, "__code__"):
            function = getattr(type(handler).__call__, "__func__", type(handler).__call__)
        if isinstance(code := getattr(function, "__code__", None), CodeType):
            found.append(code)
    return found
