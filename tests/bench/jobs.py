"""Whole jobs: storing many files and reading a long listing, compared with doing it by hand.

``python3 -m tests.bench.jobs --help``. Each way runs in a new process, which does a little of the
job first; with nginx as the server, which stores everything and says what HCP would of it.
"""

import argparse
import contextlib
import importlib.util
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from .clients import CREDENTIALS, MIB, TIMEOUT, Hcpsdk, Place, check
from .measure import Cost, Rounds, peak_growth, ratios
from .report import number, table, with_quartiles
from .server import BULK, Site, running

THREADS = 8
WARM = 64  # files
LISTING = "listing"
NEEDS = {"requests, threads": "requests", "curl --parallel": "curl", "boto3, s3transfer": "boto3"}


class Paths(NamedTuple):
    """One file, and where it goes: a bulk job, too."""

    path: str
    url: str


# Ways to store files


def _threads(work: Callable[["queue.SimpleQueue[Paths]"], None], files: list[Paths]) -> None:
    jobs: queue.SimpleQueue[Paths] = queue.SimpleQueue()
    for each in files:
        jobs.put(each)
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, jobs) for _ in range(THREADS)]:
            done.result()


def _all(jobs: "queue.SimpleQueue[Paths]") -> Iterator[tuple[bytes, str]]:
    """Contents and URLs until there are none left."""
    with contextlib.suppress(queue.Empty):
        while True:
            path, url = jobs.get_nowait()
            with open(path, "rb") as file:
                data = file.read()
            yield data, url


def bare(place: Place, files: list[Paths]) -> None:
    """PUT by PUT, by `Connection`, verifying nothing."""
    import hcpsdk

    target = Hcpsdk.shared(place)

    def work(jobs: "queue.SimpleQueue[Paths]") -> None:
        with hcpsdk.Connection(target) as connection:
            for data, url in _all(jobs):
                check(connection.PUT(url, data).status)

    _threads(work, files)


def _stored(place: Place, files: Sequence[Paths], **options: Any) -> None:
    from hcpsdk import bulk

    results = bulk.store(Hcpsdk.shared(place), files, **options)
    if wrong := [result for result in results if result.status != "stored"]:
        raise RuntimeError(f"not stored: {wrong[0]}")


def store(place: Place, files: list[Paths]) -> None:
    _stored(place, files, workers=THREADS)


def journal(place: Place, files: list[Paths]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _stored(place, files, workers=THREADS, journal=f"{folder}/journal")


def requests(place: Place, files: list[Paths]) -> None:
    import requests

    def work(jobs: "queue.SimpleQueue[Paths]") -> None:
        with requests.Session() as session:
            session.headers.update(CREDENTIALS)
            for data, url in _all(jobs):
                check(session.put(place.url + url, data=data, timeout=TIMEOUT).status_code)

    _threads(work, files)


def curl(place: Place, files: list[Paths]) -> None:
    lines = [f'header = "{name}: {value}"' for name, value in CREDENTIALS.items()]
    for path, url in files:
        lines += [f'upload-file = "{path}"', f'url = "{place.url}{url}"', 'output = "/dev/null"']
    command = [
        "curl",
        "--parallel",
        "--parallel-max",
        str(THREADS),
        "--silent",
        "--no-progress-meter",
        "--fail",
    ]
    subprocess.run([*command, "--config", "-"], input="\n".join(lines).encode(), check=True)


def boto3(place: Place, files: list[Paths]) -> None:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from s3transfer.manager import TransferManager

    config = Config(s3={"addressing_style": "path"}, max_pool_connections=THREADS)
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=place.url, config=config, **keys)
    with TransferManager(client, TransferConfig(max_concurrency=THREADS)) as manager:
        futures = [manager.upload(path, *url[1:].split("/", 1)) for path, url in files]
        for future in futures:
            future.result()


STORING = {
    "bare PUTs": bare,
    "bulk.store": store,
    "bulk.store with a journal": journal,
    "requests, threads": requests,
    "curl --parallel": curl,
    "boto3, s3transfer": boto3,
}

PROCESSES = ["processes: 1", "processes: 2"]

# Ways to read a listing


def expat(place: Place, path: str) -> None:
    """What the parser alone takes, for the same bytes from the same server."""
    from xml.parsers.expat import ParserCreate

    import hcpsdk

    parser = ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda _name, _attributes: None
    with hcpsdk.Connection(Hcpsdk.shared(place)) as connection:
        check(connection.GET(path).status)
        while data := connection.read(65536):
            parser.Parse(data)


def entries(place: Place, path: str) -> None:
    import hcpsdk
    from hcpsdk.listing import listdir

    with hcpsdk.Connection(Hcpsdk.shared(place)) as connection:
        for _entry in listdir(connection, path):
            pass


def names(place: Place, path: str) -> None:
    import hcpsdk
    from hcpsdk.listing import listdir

    with hcpsdk.Connection(Hcpsdk.shared(place)) as connection:
        for entry in listdir(connection, path):
            _ = entry.name, entry.size


READING = {
    "bare expat": expat,
    "listing.listdir": entries,
    "listing.listdir, name and size of each": names,
}

# In the process of one way


def is_there(name: str) -> bool:
    return bool(shutil.which(name) if name == "curl" else importlib.util.find_spec(name))


def _measured(work: Callable[[], object]) -> Cost:
    """What *work* costs this process and those it starts and waits for."""

    def cpu() -> float:
        usages = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    growth = peak_growth()
    before, wall = cpu(), time.perf_counter()
    work()
    return Cost(cpu() - before, time.perf_counter() - wall, growth())


def run_one(way: str, host: str, port: str, path: str, count: str) -> Cost:
    place = Place(host, int(port))
    if way in READING:
        READING[way](place, f"{path}-short")
        return _measured(lambda: READING[way](place, path))
    files = [Paths(path, f"/{BULK}/{number}") for number in range(WARM + int(count))]
    if not way.startswith("processes"):
        STORING[way](place, files[:WARM])
        return _measured(lambda: STORING[way](place, files[WARM:]))
    workers = int(way.rpartition(" ")[2])
    with ProcessPoolExecutor(workers, get_context("spawn")) as executor:
        _stored(place, files[:WARM], executor=executor, workers=workers)
        return _measured(lambda: _stored(place, files[WARM:], executor=executor, workers=workers))


# In the process that compares


def compare(site: Site, ways: Sequence[str], path: str, count: int, rounds: int) -> Rounds:
    """What each of *ways* costs in each round; the first of a round is the last of the next."""
    place, order = site.place(tls=False), list(ways)
    costs: Rounds = {way: [] for way in ways}
    for _ in range(rounds):
        for way in order:
            print(way, file=sys.stderr, flush=True)
            command = [sys.executable, "-m", f"{__package__}.jobs", "--way", way]
            where = [place.host, str(place.port), path, str(count)]
            done = subprocess.run([*command, *where], stdout=subprocess.PIPE, check=True)
            costs[way].append(Cost(*map(float, done.stdout.split())))  # type: ignore[arg-type]
            for stored in (site.folder / "objects" / BULK).iterdir():
                stored.unlink()
        order = order[1:] + order[:1]
    return costs


def compared(costs: Rounds, base: str, goals: dict[str, float]) -> str:
    """CPU and time passed as ratios to *base* of the same round, and the peak of memory."""
    rows = []
    for way in costs:
        cells = [with_quartiles(ratios(costs, way, which, base)) for which in ("cpu", "wall")]
        peak = max(cost.memory for cost in costs[way]) / MIB
        rows.append([way, *cells, number(peak), number(goals.get(way))])
    return table([f"way, {base} = 1", "CPU", "time passed", "peak, MiB", "goal, CPU"], rows)


def write_listing(file: Path, count: int) -> None:
    """A directory of so many objects, with the attributes that HCP gives each."""
    with file.open("w", encoding="utf-8") as out:
        out.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<directory path="/rest/bench" utf8Path='
            '"/rest/bench" parentDir="/rest" utf8ParentDir="/rest" dirDeleted="false" '
            'showDeleted="false" namespaceName="n1" changeTimeMilliseconds="1422736466446.00">\n'
        )
        out.writelines(
            f'<entry urlName="object-{n}.txt" utf8Name="object-{n}.txt" type="object" '
            f'size="{n}" hashScheme="SHA-256" hash="{n:064X}" etag="{n:032x}" '
            'retention="0" retentionString="Deletion Allowed" retentionClass="" '
            'ingestTime="1422736466" ingestTimeString="2015-01-31T21:34:26+0100" hold="false" '
            'shred="false" dpl="2" index="true" customMetadata="false" '
            f'customMetadataAnnotations="" version="{91055133849537 + n}" replicated="false" '
            'changeTimeMilliseconds="1422736466446.00" '
            'changeTimeString="2015-01-31T21:34:26+0100" owner="n" domain="" hasAcl="false" '
            'state="created"/>\n'
            for n in range(count)
        )
        out.write("</directory>\n")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python3 -m tests.bench.jobs", description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="how often each way is taken (5)")
    add("--files", type=int, default=20_000, help="files to store (20000)")
    add("--entries", type=int, default=1_000_000, help="entries of the listing (1000000)")
    add("--ways", nargs="+", help="some only: of " + ", ".join([*STORING, *PROCESSES, *READING]))
    add("--way", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.way:
        print(*run_one(*options.way))
        return

    def wanted(ways: Iterable[str]) -> list[str]:
        found = [way for way in ways if options.ways is None or way in options.ways]
        return [way for way in found if way not in NEEDS or is_there(NEEDS[way])]

    with running(MIB) as site:
        if site.kind != "nginx":
            sys.exit("nginx is needed")
        if ways := wanted(STORING):
            costs = compare(site, ways, str(site.small), options.files, options.rounds)
            print(compared(costs, ways[0], {"bulk.store": 1.25}))
        if ways := wanted(PROCESSES):
            costs = compare(site, ways, str(site.small), options.files, options.rounds)
            print(compared(costs, ways[0], {}))
        if ways := wanted(READING):
            folder = site.folder / "objects" / "few"
            write_listing(folder / LISTING, options.entries)
            write_listing(folder / f"{LISTING}-short", 1000)
            costs = compare(site, ways, f"/few/{LISTING}", 0, options.rounds)
            print(compared(costs, ways[0], {"listing.listdir": 1.5}))


if __name__ == "__main__":
    main(sys.argv[1:])
