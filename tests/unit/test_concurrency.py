"""How many chunks of a bulk job are in flight: the rule, with made-up clocks."""

from hcpsdk._jobs.concurrency import INTERVAL, LEAST, MAX_CPU, Concurrency

MANY = 1_000_000  # jobs: each took nearly no CPU time


class Clock:
    """Time that passes with each interval, while a share of a processor is used."""

    def __init__(self, most: int) -> None:
        self.now = self.cpu = 0.0
        self.concurrency = Concurrency(most, 0.0, 0.0)

    def interval(self, share: float, jobs: int = MANY) -> int:
        self.now += 2 * INTERVAL
        self.cpu += share * 2 * INTERVAL
        self.concurrency.note(jobs, self.now, self.cpu)
        return self.concurrency.limit


def test_busy_threads_become_fewer() -> None:
    """Halved while a processor is busy, down to two."""
    clock = Clock(16)
    assert [clock.interval(1.1) for _ in range(4)] == [8, 4, 2, LEAST]
    assert clock.concurrency.is_reduced


def test_waiting_threads_become_more() -> None:
    """One more per interval while there is time to spare, up to the first number."""
    clock = Clock(6)
    for _ in range(3):
        clock.interval(1.5)
    assert [clock.interval(0.2) for _ in range(6)] == [3, 4, 5, 6, 6, 6]
    assert not clock.concurrency.is_reduced


def test_neither() -> None:
    """Between the two it stays as it is, so that it does not go up and down for ever."""
    clock = Clock(16)
    clock.interval(1.1)
    assert [clock.interval(0.95) for _ in range(3)] == [8, 8, 8]


def test_large_files_may_use_all_processors() -> None:
    """Hashing and encryption do run at the same time in several threads."""
    clock = Clock(16)
    jobs = int(INTERVAL / MAX_CPU)
    assert clock.interval(4.0, jobs) == 16
    assert clock.interval(4.0, 100 * jobs) == 8


def test_short_times_are_added_up() -> None:
    """The jobs of several chunks count together, until the interval is over."""
    concurrency = Concurrency(8, 0.0, 0.0)
    jobs = int(INTERVAL / MAX_CPU / 2) + 10  # in two parts: each alone were too few
    concurrency.note(jobs, INTERVAL / 2, INTERVAL / 2)
    assert concurrency.limit == 8
    concurrency.note(jobs, INTERVAL, 1.1 * INTERVAL)
    assert concurrency.limit == 4


def test_nothing_ends() -> None:
    """Without a job that ends it grows as well: those that run may be waiting for one node."""
    clock = Clock(4)
    clock.interval(1.1)
    assert clock.interval(0.0, jobs=0) == 3


def test_one_worker() -> None:
    """There is nothing to reduce."""
    clock = Clock(2)
    assert clock.interval(1.1) == 2
    assert not clock.concurrency.is_reduced
