"""Peers in turns: each in a process of its own, all do the same work in each round."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from .server import Site
from .worker import Cost, serve
from .works import Work

Rounds = dict[str, list[Cost]]  # by peer, one cost for each round


class Process:
    """A peer's process, from here."""

    def __init__(self, name: str) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=serve, args=(theirs, name), daemon=True)
        self._process.start()

    def start(self, message: object) -> None:
        self._pipe.send(message)

    def finish(self) -> Cost:
        """The answer to what was started; raises what was raised there."""
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, message: object) -> Cost:
        self.start(message)
        return self.finish()

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()


@contextmanager
def processes(names: Sequence[str]) -> Iterator[dict[str, Process]]:
    """A process for each of *names*."""
    with ExitStack() as stack:
        started = {name: Process(name) for name in names}
        for process in started.values():
            stack.callback(process.close)
        yield started


def run(work: Work, peers: dict[str, Process], site: Site, rounds: int) -> Rounds:
    """What *work* costs each of *peers*, in each of so many rounds; one more warms them up.

    Whoever was first in one round is last in the next.
    """
    for process in peers.values():
        process.ask((work, site.place(work.tls), str(site.file)))
        process.ask(work.count)
    costs: Rounds = {name: [] for name in peers}
    names = list(peers)
    for _ in range(rounds):
        for name in names:
            costs[name].append(peers[name].ask(work.count))
        names = names[1:] + names[:1]
    return costs
