"""Things that exist, for whoever has to look at all of them; keeps none of them alive.

Imports nothing of the library.
"""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ref

T = TypeVar("T")


class Registry(Generic[T]):
    """Things, until they are discarded or gone.

    There is no lock: each change is a single step of the interpreter, so that signal handlers,
    finalizers and other threads may come between any two (contract 6.1). `weakref.WeakSet` does not
    promise that.
    """

    def __init__(self) -> None:
        self._refs = refs = dict[ref[T], None]()
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

    def all(self) -> list[T]:
        """What is in it now."""
        return [thing for known in list(self._refs) if (thing := known()) is not None]

    def __bool__(self) -> bool:
        return bool(self._refs)
