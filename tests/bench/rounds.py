"""Peers in turns: each in processes of its own, all do the same work in each round."""

import multiprocessing
from collections.abc import Sequence
from contextlib import ExitStack

from .server import Site
from .worker import Cost, serve
from .works import Work

Rounds = dict[str, list[Cost]]  # by peer; one cost for each round
PATIENCE = 5.0  # seconds for a process to end


class Team:
    """The processes of one peer, seen from here: one, unless a work is for several."""

    def __init__(self, peer: str, size: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._peer = peer
        self._pipes = []
        self._processes = []
        for _ in range(size):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=serve, args=(theirs, peer), daemon=True)
            process.start()
            theirs.close()  # so that a process that dies is noticed
            self._pipes.append(ours)
            self._processes.append(process)

    def ask(self, message: object) -> list[Cost]:
        """Say the same to all, and wait for their answers; raises what was raised there."""
        for pipe in self._pipes:
            pipe.send(message)
        try:
            answers = [pipe.recv() for pipe in self._pipes]
        except EOFError:
            for process in self._processes:
                process.join(PATIENCE)
            codes = [process.exitcode for process in self._processes]
            raise RuntimeError(f"{self._peer}: a process died, exit codes {codes}") from None
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def do(self, work: Work) -> Cost:
        """Do *work* once; returns what one request cost."""
        costs = self.ask(work.times // len(self._pipes))
        cpu, wall, memory = zip(*costs, strict=True)
        return Cost(sum(cpu) / work.requests, max(wall) / work.requests, max(memory))

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()


def run(work: Work, peers: Sequence[str], site: Site, rounds: int) -> Rounds:
    """What *work* costs each of *peers*, in each of so many rounds; one more warms them up.

    Whoever was first in one round is last in the next.
    """
    with ExitStack() as stack:
        teams = {peer: Team(peer, work.processes) for peer in peers}
        for team in teams.values():
            stack.callback(team.close)
        for team in teams.values():
            team.ask((work, site.place(work.tls), str(site.file)))
            team.do(work)
        costs: Rounds = {peer: [] for peer in peers}
        order = list(peers)
        for _ in range(rounds):
            for peer in order:
                costs[peer].append(teams[peer].do(work))
            order = order[1:] + order[:1]
    return costs
