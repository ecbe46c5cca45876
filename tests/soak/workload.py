"""Threads that store, read and delete, and one that takes nodes away and brings them back.

Each object belongs to one thread, which knows what it may find there: usually one thing, two after
a failure that leaves open whether HCP has acted.
"""

import hashlib
import io
import random
import tempfile
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import hcpsdk
from hcpsdk import s3
from hcpsdk.testing import HCP, Reset

LIVE = 60  # objects that a thread has at most, so that a long run does not fill the disk
LARGEST = 300 * 1024  # bytes
MIB = 1024 * 1024
PLACES = ["before request", "request body", "before answer", "answer head", "answer body"]
PLACES_WITHIN = ["request body", "answer head", "answer body"]


class Content(NamedTuple):
    """What an object holds."""

    size: int
    digest: str


Found = Content | None  # None: there is no such object


def content_of(data: bytes) -> Content:
    return Content(len(data), hashlib.blake2b(data, digest_size=16).hexdigest())


# Bodies


class OnlyRead:
    """Has ``read()`` and no more: sent in chunks, and only once."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class Rewindable(OnlyRead):
    """Does not tell its length, but goes back."""

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> int:
        return self._file.seek(position)


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + 50_001] for start in range(0, len(data), 50_001))


def _behind_a_prefix(file: Any, data: bytes) -> Any:
    file.write(b"skipped" + data)
    file.seek(len(b"skipped"))
    return file


BODIES: list[Callable[[bytes], Any]] = [
    bytes,
    bytearray,
    memoryview,
    OnlyRead,
    Rewindable,
    _pieces,
    lambda data: list(_pieces(data)),
    lambda data: _behind_a_prefix(io.BytesIO(), data),
    lambda data: _behind_a_prefix(tempfile.TemporaryFile(), data),  # noqa: SIM115
]


# Threads


class Worker:
    """Does *count* operations over a Connection of its own, and remembers what it was reported.

    Now and then it gives a *turn* to the disturber. This one uses the native interface.

    Attributes:
        thread: Where it works, once that is started.
        objects: What may be found under each name that was ever used.
        reported: How often what was reported.
        error: What ended it before its time; None if nothing did.
    """

    root = "/rest"
    stored, deleted = 201, 200  # statuses

    @staticmethod
    def target_of(port: int) -> hcpsdk.Target:
        authorization = hcpsdk.NativeAuthorization("n", "n01")
        return hcpsdk.Target("n1.m.hcp1.snomis.local", authorization, port=port)

    def __init__(
        self, number: int, target: hcpsdk.Target, count: int, turn: Callable[[], object]
    ) -> None:
        self.thread = threading.Thread(target=self._run, name=f"soak-{number}")
        self.folder = f"{self.root}/soak/{number}"
        self.objects: dict[str, set[Found]] = {}
        self.reported: Counter[str] = Counter()
        self.error: BaseException | None = None
        self._live: list[str] = []
        self._reusable: list[str] = []  # deleted, and without doubt
        self._count = count
        # Node by node, so that the Connections have time to notice where it went: they may ask
        # the name server only once in five seconds (contract 2.5).
        self._step = max(15, min(count // 100, 120))
        self._turn = turn
        self._random = random.Random(number)
        self._target = target
        self._connection = hcpsdk.Connection(target, retries=3)

    def _run(self) -> None:
        try:
            with self._connection:
                for number in range(1, self._count + 1):
                    self._operate()
                    if number % self._step == 0:
                        self._turn()
        except BaseException as exc:
            self.error = exc

    def _operate(self) -> None:
        dice = self._random.random()
        if not self._live or (dice < 0.35 and len(self._live) < LIVE):
            self._put()
        elif dice < 0.40:
            self._put_again()
        elif dice < 0.65:
            self._get(self._random.choice([*self._live, self._random.choice([*self.objects])]))
        elif dice < 0.80:
            self._head(self._random.choice(self._live))
        else:
            self._delete()

    def _tell(self, verb: str, *arguments: Any) -> int | None:
        """The status that a request was answered with; None if it failed."""
        self.reported["operations"] += 1
        try:
            status = getattr(self._connection, verb)(*arguments).status
        except hcpsdk.HcpsdkError:
            status = None
        self.reported[f"{verb} {status}"] += 1
        self.reported["retries"] += max(self._connection.attempts - 1, 0)
        return status

    def _data(self) -> bytes:
        most = self._random.choice([0, 100, 10_000, 100_000, LARGEST])
        return self._random.randbytes(self._random.randint(0, most))

    def _store(self, name: str, data: bytes) -> int | None:
        body = self._random.choice(BODIES)(data)
        try:
            return self._tell("PUT", name, body, None, self._headers(data))
        finally:
            if hasattr(body, "close"):
                body.close()

    def _headers(self, _data: bytes) -> dict[str, str]:
        return {}

    def _put(self) -> None:
        if self._reusable and self._random.random() < 0.3:
            name = self._reusable.pop()
        else:
            name = f"{self.folder}/{len(self.objects)} ä%20"
        data = self._data()
        given = content_of(data)
        status = self._store(name, data)
        attempts = self._connection.attempts
        if status == self.stored:
            self.objects[name] = {given}
            self._live.append(name)
        elif status == 409:
            assert attempts > 1, f"{name}: 409 to its first PUT"
            self.objects[name] = {given}  # its own earlier attempt: nobody else writes here
            self._look(name)
        else:
            assert status is None, f"{name}: {status} to PUT"
            self.objects[name] = {None, given} if attempts else {None}
            self._look(name)

    def _put_again(self) -> None:
        """An object that is there stays as it is."""
        status = self._store(self._random.choice(self._live), self._data())
        assert status in (409, None), f"{status} to PUT of an object that exists"

    def _delete(self) -> None:
        name = self._live.pop(self._random.randrange(len(self._live)))
        status = self._tell("DELETE", name)
        attempts = self._connection.attempts
        if status == self.deleted:
            self.objects[name] = {None}
            if attempts == 1:
                self._reusable.append(name)
        elif status == 404:
            assert attempts > 1, f"{name}: 404 to its first DELETE"
            self.objects[name] = {None}
            self._look(name)
        else:
            assert status is None, f"{name}: {status} to DELETE"
            if attempts:
                self.objects[name].add(None)
            self._look(name)

    def _head(self, name: str) -> None:
        status = self._tell("HEAD", name)
        assert status in (200, None), f"{name}: {status} to HEAD"
        if status == 200:
            size = int(self._connection.getheader("Content-Length"))
            assert size in {found.size for found in self.objects[name] if found}, name

    def _get(self, name: str) -> None:
        status = self._tell("GET", name)
        if status is None:
            return
        try:
            found = content_of(self._read()) if status == 200 else None
        except hcpsdk.HcpsdkError:
            self.reported["read None"] += 1
            return
        assert status in (200, 404), f"{name}: {status} to GET"
        assert found in self.objects[name], f"{name}: {found} is not of {self.objects[name]}"

    def _look(self, name: str) -> None:
        """What is left open is looked up; what is reported must fit."""
        self.reported["looked up"] += 1
        self._get(name)

    def _read(self) -> bytes:
        way = self._random.randrange(3)
        if way == 0:
            return self._connection.read()
        if way == 1:
            return b"".join(iter(lambda: self._connection.read(40_000), b""))
        response = self._connection.response
        assert response is not None
        return b"".join(response)

    # Afterwards, all nodes being up

    def check(self, connection: hcpsdk.Connection) -> None:
        """Each object is what it may be, and is listed if it is there."""
        found = {name: self._what_is_there(connection, name) for name in self.objects}
        for name, content in found.items():
            assert content in self.objects[name], name
        stored = sorted(name for name, content in found.items() if content)
        assert sorted(self._names_listed(connection)) == stored

    def _what_is_there(self, connection: hcpsdk.Connection, name: str) -> Found:
        status = connection.GET(name).status
        data = connection.read()
        assert status in (200, 404), f"{name}: {status}"
        return content_of(data) if status == 200 else None

    def _names_listed(self, connection: hcpsdk.Connection) -> list[str]:
        assert connection.GET(self.folder).status == 200
        entries = ET.fromstring(connection.read()).iter("entry")
        return [f"{self.folder}/{unquote(entry.attrib['urlName'])}" for entry in entries]


class S3Worker(Worker):
    """The same with HS3, and with uploads in parts."""

    root = "/n1"
    stored, deleted = 200, 204

    @staticmethod
    def target_of(port: int) -> hcpsdk.Target:
        authorization = hcpsdk.HS3Authorization("n", "n01")
        return hcpsdk.Target(
            "m.hcp1.snomis.local", authorization, port=port, interface=hcpsdk.I_HS3
        )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._left: set[str] = set()  # IDs of uploads that could not be aborted

    def _headers(self, data: bytes) -> dict[str, str]:
        return {"Content-Length": str(len(data))}  # HS3 takes no chunks

    def _put(self) -> None:
        if self._random.random() < 0.9:
            super()._put()
        else:
            self._upload()

    def _upload(self) -> None:
        name = f"{self.folder}/{len(self.objects)} large"
        data = self._random.randbytes(self._random.randint(0, 4 * MIB))
        given = content_of(data)
        self.reported["operations"] += 1
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            try:
                s3.upload_file(self._target, name, file.name, part_size=MIB)
            except s3.UploadError as exc:
                self.reported["upload failed"] += 1
                self.objects[name] = {None, given} if exc.upload_id else {None}
                self._left.add(exc.upload_id)
            except hcpsdk.HcpsdkError:
                self.reported["upload not started"] += 1
                self.objects[name] = {None}
            else:
                self.reported["upload stored"] += 1
                self.objects[name] = {given}
                self._live.append(name)
        self._look(name)

    def check(self, connection: hcpsdk.Connection) -> None:
        """Of uploads that failed nothing is left, unless they were reported as left."""
        super().check(connection)
        assert connection.GET(self.root, {"uploads": None, "prefix": self._prefix()}).status == 200
        for upload in ET.fromstring(connection.read()).iterfind("{*}Upload"):
            key, number = upload.findtext("{*}Key"), upload.findtext("{*}UploadId")
            if number not in self._left:  # the response with its ID was lost
                assert connection.GET(f"{self.root}/{key}", {"uploadId": number}).status == 200
                assert b"<Part>" not in connection.read(), f"parts of {key} are left"

    def _prefix(self) -> str:
        return self.folder.removeprefix(f"{self.root}/") + "/"

    def _names_listed(self, connection: hcpsdk.Connection) -> list[str]:
        entries = s3.list_objects(connection, self.root, prefix=self._prefix())
        return [f"{self.root}/{entry.key}" for entry in entries if not entry.key.endswith("/")]


class Disturber:
    """With each `turn()`, stops a node, starts one, breaks all connections to one, or lets the
    next requests be cut off by a reset at some place.

    At least two nodes are up, but for the moment of a break. At the end all are.
    """

    def __init__(self, hcp: HCP) -> None:
        self.thread = threading.Thread(target=self._run, name="soak-disturber")
        self.done: Counter[str] = Counter()
        self.error: BaseException | None = None
        self._hcp = hcp
        self._random = random.Random(4)
        self._turns = threading.Semaphore(0)
        self._is_over = False

    def turn(self) -> None:
        self._turns.release()

    def finish(self) -> None:
        self._is_over = True
        self._turns.release()
        self.thread.join()

    def _run(self) -> None:
        try:
            while self._turns.acquire() and not self._is_over:
                self._disturb()
        except BaseException as exc:
            self.error = exc
        finally:
            self._hcp.clear_faults()
            for node in self._hcp.nodes:
                node.start()

    def _disturb(self) -> None:
        up = [node for node in self._hcp.nodes if node.is_running]
        down = [node for node in self._hcp.nodes if not node.is_running]
        deed = self._random.choice(["stop", "start", "break", "reset", "reset"])
        if deed == "start" and down:
            self._random.choice(down).start()
        elif deed == "reset":
            place = self._random.choice(PLACES)
            after = self._random.choice([0, 1, 5000]) if place in PLACES_WITHIN else 0
            times = self._random.randint(1, 6)
            self._hcp.add_fault(Reset(place, after, times=times))
        elif len(up) > 2 or (deed == "break" and len(up) > 1):
            node = self._random.choice(up)
            node.stop()
            if deed == "break":
                node.start()
        else:
            return
        self.done[deed] += 1
