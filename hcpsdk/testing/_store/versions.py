"""Old versions of objects and delete markers, by the name of the object. Imports `objects`.

docs/hcp/namespace.rst, section 12.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .objects import DeleteMarker, Path, Version, identity


class Versions:
    """The versions that are not current. They do not depend on the directories of their names."""

    def __init__(self) -> None:
        self._by_directory: dict[Path, dict[bytes, list[Version]]] = {}

    def of(self, path: Path) -> list[Version]:
        """A copy of those of *path*, the oldest first."""
        return list(self._by_directory.get(path[:-1], {}).get(path[-1], ())) if path else []

    def set(self, path: Path, versions: Iterable[Version]) -> None:
        """Replace the versions of *path* by *versions*."""
        ordered = sorted(versions, key=identity)
        names = self._by_directory.setdefault(path[:-1], {})
        if ordered:
            names[path[-1]] = ordered
        else:
            names.pop(path[-1], None)
            if not names:
                del self._by_directory[path[:-1]]

    def deleted_in(self, directory: Path) -> dict[bytes, DeleteMarker]:
        """The names in *directory* whose newest version here is a delete marker."""
        names = self._by_directory.get(directory, {})
        newest = {name: versions[-1] for name, versions in names.items()}
        return {name: each for name, each in newest.items() if isinstance(each, DeleteMarker)}

    def __iter__(self) -> Iterator[tuple[Path, list[Version]]]:
        for directory, names in self._by_directory.items():
            for name, versions in names.items():
                yield (*directory, name), list(versions)

    def clear(self) -> None:
        self._by_directory.clear()
