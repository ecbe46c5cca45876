"""One piece of work in a process that does nothing else, for valgrind and strace to look at.

``python3 -m tests.bench.once PEER WORK COUNT HOST PORT AUTHORITY FILE``
"""

import sys

from .peers import load
from .peers._common import Place
from .worker import ready
from .works import by_name


def main(peer: str, work: str, count: str, host: str, port: str, authority: str, file: str) -> None:
    with ready(load(peer), by_name(work), Place(host, int(port), authority), file) as batch:
        batch(int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
