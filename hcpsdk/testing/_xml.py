"""Is it XML? A check that reads nothing but the bytes it is given, and keeps none of them."""

import re
from xml.parsers import expat

# Characters that XML 1.0 cannot carry, not even escaped (section 2.2 of its specification).
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class WellFormed:
    """Checks bytes as they arrive; ``fault`` says what is wrong as soon as that is known.

    External entities and DTDs are never fetched: expat passes over them. A document that declares
    internal entities is taken as faulty, as expanding them is how a few lines become gigabytes.
    """

    def __init__(self) -> None:
        self.fault = ""
        self._parser = expat.ParserCreate()
        self._parser.EntityDeclHandler = _refuse_internal_entity

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._parse(piece, is_final=False)

    def finish(self) -> None:
        """Say that there are no more."""
        self._parse(b"", is_final=True)

    def _parse(self, piece: bytes, *, is_final: bool) -> None:
        if self.fault:
            return
        try:
            self._parser.Parse(piece, is_final)
        except (expat.ExpatError, LookupError, ValueError) as exc:  # the latter two: its encoding
            self.fault = str(exc)


def _refuse_internal_entity(
    name: str,
    is_parameter: bool,
    value: str | None,
    base: str | None,
    system_id: str | None,
    public_id: str | None,
    notation: str | None,
) -> None:
    if value is not None:
        raise ValueError(f"declares the entity {name}")
