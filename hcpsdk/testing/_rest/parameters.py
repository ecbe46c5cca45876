"""Parameters of a request, from its URL or from a form in its body."""

from collections.abc import Iterable

from .._http.errors import HTTPError, not_emulated
from .._http.messages import Request
from .._http.percent import BadName, unquoted
from .._store.objects import Change
from .._store.retention import parse as parse_retention

MAX_FORM_BYTES = 1024 * 1024

# A real HCP knows them (docs/hcp/namespace.rst, section 18).
NOT_EMULATED = frozenset(["label_hold"])
# What the data protection level can be.
DPL = frozenset(["1", "2", "3", "4"])


class Parameters:
    """Names and values; a bare name has the value ``""``. 400 for repeated names."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name in self._values:
                raise HTTPError(400, f"parameter given twice: {name}")
            self._values[name] = value

    def __bool__(self) -> bool:
        return bool(self._values)

    def only(self, *known: str) -> None:
        """400 for parameters other than *known* (section 18)."""
        for name in self._values:
            if name in NOT_EMULATED and name not in known:
                raise not_emulated(f"the parameter {name}")
            if name not in known:
                raise HTTPError(400, f"unknown parameter: {name}")

    def text(self, name: str) -> str | None:
        """The value of *name*, None if it was not given."""
        return self._values.get(name)

    def boolean(self, name: str) -> bool | None:
        """The value of *name*, ``true`` or ``false``; None if it was not given."""
        value = self._values.get(name)
        if value not in (None, "true", "false"):
            raise HTTPError(400, f"{name} must be true or false: {value}")
        return None if value is None else value == "true"

    def switch(self, name: str, value: str = "true") -> bool:
        """Whether *name* was given; 400 for another value than *value*."""
        given = self._values.get(name)
        if given not in (None, value):
            raise HTTPError(400, f"invalid value for {name}: {given}")
        return given is not None

    def change(self) -> Change:
        """The requested changes of system metadata."""
        retention = self.text("retention")
        return Change(
            None if retention is None else parse_retention(retention),
            hold=self.boolean("hold"),
            shred=self.boolean("shred"),
            index=self.boolean("index"),
            owner=self.text("owner"),
            dpl=self.dpl(),
        )

    def dpl(self) -> int | None:
        """The data protection level that is named."""
        value = self._values.get("dpl")
        if value is not None and value not in DPL:
            raise HTTPError(400, f"bad value for dpl: {value}")
        return None if value is None else int(value)


def from_query(query: str) -> Parameters:
    """The parameters of a URL. A "+" is a plus (section 17)."""
    return Parameters(
        (_text(name), _text(value)) for name, value in map(_pair, query.split("&")) if name
    )


async def from_body_or(query: Parameters, request: Request) -> Parameters:
    """The parameters from the form in the body of *request* if there is one, else *query*.

    They can be sent in either way, but not mixed (sections 10 and 15).
    """
    body = bytearray()
    async for piece in request.body:
        body += piece
        if len(body) > MAX_FORM_BYTES:
            raise HTTPError(413)
    if not body:
        return query
    if query:
        raise HTTPError(400, "parameters in the URL as well as in the body")
    pairs = map(_pair, body.decode("latin-1").strip().split("&"))
    return Parameters((_text(name), _form_text(name, value)) for name, value in pairs if name)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _text(escaped: str) -> str:
    try:
        return unquoted(escaped).decode("utf-8")
    except (BadName, UnicodeDecodeError) as exc:
        raise HTTPError(400, f"malformed parameter: {escaped}") from exc


def _form_text(name: str, value: str) -> str:
    """In forms a "+" is a blank, but "A+10y" may also be sent raw (section 17)."""
    if name == "retention" and not value.lower().startswith(("deletion", "initial")):
        return _text(value)
    return _text(value.replace("+", "%20"))
