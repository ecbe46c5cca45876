"""What is measured, and the goals: the one place where they stand.

What the original library needed was measured on another machine; it cannot be run here.
"""

from typing import NamedTuple

from .clients import MIB

REQUESTS_OF_A_MIX = 4


class Work(NamedTuple):
    """A piece of work; its goal is a ratio to the CPU time of ``http.client``.

    Attributes:
        kind: ``"mix"``: PUT, HEAD, GET and DELETE of 1 KiB. ``"put"``, ``"get"``: a large object.
            ``"connect"``: a new connection, one HEAD. ``"target"``: the same, with a new Target.
            ``"look"``: HEAD, and one header of the response.
        times: How often it is done in a round, by all threads and processes together.
        connections: Those of each thread; they are used in turn.
        block: Bytes of one read.
    """

    name: str
    title: str
    kind: str
    tls: bool = False
    headers: str = "few"
    times: int = 1
    threads: int = 1
    processes: int = 1
    connections: int = 1
    block: int = MIB
    goal: float | None = None
    original: float | None = None

    @property
    def requests(self) -> int:
        """How many requests a round has."""
        return self.times * (REQUESTS_OF_A_MIX if self.kind == "mix" else 1)


class Figure(NamedTuple):
    """Something else that is counted; a ratio to ``http.client``'s unless it counts in itself."""

    name: str
    title: str
    is_ratio: bool
    goal: float | None = None
    original: float | None = None


WORKS = [
    Work("small-http-hcp", "small objects, http, 39 headers", "mix", False, "hcp", 100,
         goal=0.38, original=1.54),
    Work("small-https-hcp", "small objects, https, 39 headers", "mix", True, "hcp", 100,
         goal=0.42, original=1.47),
    Work("small-http-few", "small objects, http, few headers", "mix", False, "few", 100,
         goal=0.50, original=1.75),
    Work("small-https-few", "small objects, https, few headers", "mix", True, "few", 100,
         goal=0.57, original=1.66),
    Work("put-http", "PUT of an open file, http", "put", goal=0.27, original=0.95),
    Work("put-https", "PUT of an open file, https", "put", tls=True, goal=0.48, original=1.01),
    Work("get-http-64k", "GET by 64 KiB, http", "get", block=65536, goal=1.02),
    Work("get-http-1m", "GET by 1 MiB, http", "get", goal=1.02),
    Work("get-https-64k", "GET by 64 KiB, https", "get", tls=True, block=65536, goal=1.02),
    Work("get-https-1m", "GET by 1 MiB, https", "get", tls=True, goal=1.02),
    Work("connect-http", "connect + HEAD, http", "connect", times=100, goal=0.80, original=1.89),
    Work("connect-https", "connect + HEAD, https", "connect", tls=True, times=30,
         goal=0.93, original=1.21),
    Work("look-http", "HEAD and one header, http, 39 headers", "look", False, "hcp", 400,
         goal=0.43),
    Work("look-https", "HEAD and one header, https, 39 headers", "look", True, "hcp", 400,
         goal=0.44),
    Work("target-http", "Target, connect + HEAD, http", "target", times=100, goal=1.0),
    Work("target-https", "Target, connect + HEAD, https", "target", tls=True, times=30, goal=1.0),
]  # fmt: skip

# One connection for each thread; else all are used in turn.
THREADS = [
    Work(f"threads-{n}", f"threads: {n}", "mix", headers="hcp", times=256, threads=n)
    for n in (1, 2, 4, 8, 16, 32, 64)
]
THREADS[3] = THREADS[3]._replace(title="threads: 8, a connection each", goal=0.40, original=2.11)
TURNS = [
    Work(f"turns-{n}", f"connections: {n}", "mix", headers="hcp", times=max(n, 256), connections=n)
    for n in (1, 10, 100, 1000)
]
PROCESSES = [
    Work(f"processes-{n}", f"processes: {n}", "mix", headers="hcp", times=256, processes=n)
    for n in (1, 2, 4)
]

# The first of each series is what the others of it are compared with. All over http, 39 headers.
GROWTH = [TURNS, THREADS, PROCESSES]

ALL_WORKS = [*WORKS, *(work for series in GROWTH for work in series)]

FIGURES = [
    Figure("instructions-few", "instructions per request, few headers", True, 0.28, 1.39),
    Figure("instructions-hcp", "instructions per request, 39 headers", True, 0.20, 1.15),
    Figure("calls", "system calls per small request", False, 4.2, 24.6),
    Figure("memory", "peak memory in any work above, MiB", False, 3.0, 2.0),
    Figure("threads-started", "threads started per request", False, 0, 1),
    Figure("threads-idle", "threads for 500 idle connections", False, 1, 500),
    Figure("import-instructions", "import, instructions", True, 1.10, 4.0),
    Figure("import-used", "import of Target, Connection, credentials, instructions", True, 1.10),
]


def by_name(name: str) -> Work:
    return next(work for work in ALL_WORKS if work.name == name)
