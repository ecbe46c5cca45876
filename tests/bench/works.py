"""What is measured: each work, and what it may cost."""

from typing import NamedTuple

MIB = 1024 * 1024


class Work(NamedTuple):
    """A piece of work, and its cost as a ratio to ``http.client``'s for the same.

    Attributes:
        kind: ``"mix"``: PUT, HEAD, GET and DELETE of 1 KiB. ``"put"``, ``"get"``: a large object.
            ``"connect"``: a new connection, one HEAD.
        count: How often it is done in a round.
        goal: The most CPU time that issue 5 allows; None where it names none.
        original: What the original library needed (``../shared/speed.md``); it cannot be run here.
    """

    name: str
    title: str
    kind: str
    tls: bool = False
    headers: str = "few"
    count: int = 1
    threads: int = 1
    connections: int = 1  # for each thread; used in turn
    block: int = MIB  # bytes of one read
    goal: float | None = None
    original: float | None = None


def _small() -> list[Work]:
    title = "PUT, HEAD, GET, DELETE of 1 KiB"
    return [
        Work("small-http-hcp", f"{title}, http, 39 headers", "mix", False, "hcp", 100,
             goal=0.38, original=1.54),
        Work("small-https-hcp", f"{title}, https, 39 headers", "mix", True, "hcp", 100,
             goal=0.42, original=1.47),
        Work("small-http-few", f"{title}, http, few headers", "mix", False, "few", 100,
             goal=0.50, original=1.75),
        Work("small-https-few", f"{title}, https, few headers", "mix", True, "few", 100,
             goal=0.57, original=1.66),
    ]  # fmt: skip


WORKS = _small()


def by_name(name: str) -> Work:
    return next(work for work in WORKS if work.name == name)
