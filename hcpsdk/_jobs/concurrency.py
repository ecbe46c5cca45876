"""How many chunks of jobs are given to the threads of this process at once.

Imports nothing; `bulk` imports it.
"""

INTERVAL = 0.05  # seconds between two measurements, at least
SPARE = 0.9  # of a processor; below it, more threads do more
SATURATED = 1.0  # of a processor; above it, they wait for one another
MAX_CPU = 0.001  # seconds per job; above it, most of the work is not done by Python
LEAST = 2  # one that runs, and one that waits for its turn


class Concurrency:
    """The number of chunks in flight, adapted to what the threads have to do.

    Python runs one thread at a time. While the threads wait for HCP, many of them get more done.
    But as soon as they keep a processor busy, each further thread makes all of them slower, as
    they wait for one another at each call of the operating system. Then the number is halved; it
    grows by one while there is time to spare (as TCP does with its window). Large files do not
    count, because hashing and encryption do run at the same time.

    Args:
        most: The greatest number, and the first one.
        now: Seconds, of a monotonic clock.
        cpu: Seconds of CPU time that this process has used.

    Attributes:
        limit: How many chunks may be in flight.
        is_reduced: True if that is less than it could be.
    """

    def __init__(self, most: int, now: float, cpu: float) -> None:
        self.limit = self._most = most
        self._measured = now, cpu
        self._jobs = 0

    @property
    def is_reduced(self) -> bool:
        return self.limit < self._most

    def note(self, jobs: int, now: float, cpu: float) -> None:
        """So many more *jobs* have ended."""
        self._jobs += jobs
        passed, used = now - self._measured[0], cpu - self._measured[1]
        if passed < INTERVAL:
            return
        if used > SATURATED * passed and used < MAX_CPU * self._jobs:
            self.limit = max(LEAST, self.limit // 2)
        elif used < SPARE * passed and self.is_reduced:
            self.limit += 1
        self._measured = now, cpu
        self._jobs = 0
