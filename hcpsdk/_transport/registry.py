"""Things that exist, for whoever has to look at all of them; keeps none of them alive.

Imports nothing of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from weakref import ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    T = TypeVar("T")


class Registry(Iterable["T"]):
    """Things, until they are discarded or gone.

    There is no lock: each change is a single step of the interpreter, so that signal handlers,
    finalizers and other threads may come between any two (contract 6.1). `weakref.WeakSet` does not
    promise that.
    """

    def __init__(self) -> None:
        refs: dict[ref[T], None] = {}
        self._refs = refs
        # Called when a thing is gone; keeps no Registry alive.
        self._forget: Callable[[ref[T]], object] = lambda gone: refs.pop(gone, None)

    def add(self, thing: T) -> None:
        """Have *thing* in it, once."""
        self._refs[ref(thing, self._forget)] = None

    def discard(self, thing: T) -> None:
        """Have *thing* in it no more."""
        self._refs.pop(ref(thing), None)

    def clear(self) -> None:
        """Have nothing in it."""
        self._refs.clear()

    def __iter__(self) -> Iterator[T]:
        """What is in it when the loop begins."""
        return iter([thing for known in list(self._refs) if (thing := known()) is not None])

    def __bool__(self) -> bool:
        return bool(self._refs)
