"""Two linked systems come to the same result, in whatever order their threads get on."""

import itertools
import pathlib
import random
from collections.abc import Callable

import pytest

from hcpsdk.testing._replication.actions import act
from hcpsdk.testing._store.errors import BeingWritten, Missing, NameTaken, Protected
from hcpsdk.testing._store.objects import StoredObject
from hcpsdk.testing._store.uploads import ObjectUpload

from .pair import KEY, Half, Pair, path

REFUSED = (BeingWritten, Missing, NameTaken, Protected)


@pytest.fixture
def pair(tmp_path: pathlib.Path) -> Pair:
    return Pair(tmp_path)


def lost(name: str, stored: StoredObject) -> str:
    """Where *stored* is after it lost *name* to something else."""
    return f".lost+found/replication/{stored.version}-{stored.etag[:8]}/{name}"


# Stories that once had two ends


def test_winner_deleted_before_it_met_the_loser(pair: Pair) -> None:
    """An object that moved aside on one system does so on the other, where nothing is in its way.

    The other system never had both: its own object, the later one, was deleted before.
    """
    earlier = pair.left.put("a", b"earlier")
    pair.now += 1
    pair.right.put("a", b"later")
    pair.run(pair.right)  # "later" is sent
    pair.right.remove("a")
    pair.run(pair.left)  # where "earlier" moves aside; but it has set out before
    pair.check()
    assert [name for name in pair.left.names if not name.endswith("/")] == [lost("a", earlier)]


@pytest.mark.parametrize("later", ["left", "right"])
def test_object_against_directory(pair: Pair, later: str) -> None:
    """An object moves aside for a directory, whichever of them is older."""
    order = [pair.left, pair.right] if later == "right" else [pair.right, pair.left]
    stored = {}
    for system in order:
        stored[system.domain] = system.put("a" if system is pair.left else "a/b")
        pair.now += 1
    pair.check()
    aside = lost("a", stored[pair.left.domain])
    assert [name for name in pair.left.names if not name.endswith("/")] == [aside, "a/b"]


def test_directory_of_an_object_that_never_travelled(pair: Pair) -> None:
    """A directory that was made for an object travels, even if the object is deleted before."""
    pair.left.put("d/e/a")
    pair.left.remove("d/e/a")
    pair.check()
    assert pair.right.names == ["d/", "d/e/"]


def test_directory_deleted_here_used_there(pair: Pair) -> None:
    """A directory stays if something was stored in it on the other system."""
    pair.left.make("d")
    pair.settle()
    pair.left.remove("d")
    pair.right.put("d/a")
    pair.check()
    assert pair.left.names == ["d/", "d/a"]


def test_directory_deleted_on_both_made_again_on_one(pair: Pair) -> None:
    """The deletion that comes late does not concern the new directory."""
    pair.left.make("d")
    pair.settle()
    for system in pair.both:
        system.remove("d")
    pair.right.make("d")
    pair.check()
    assert pair.left.names == ["d/"]


def test_same_name_and_time_in_a_new_directory(pair: Pair) -> None:
    """What takes the place of something deleted is new, even if the clock stands still."""
    for _ in range(3):
        pair.left.put("d/a", b"same")
        pair.settle()
        pair.right.remove("d/a")
        pair.right.remove("d")
        pair.settle()
    pair.right.make("d")
    pair.right.put("d/a", b"same")
    pair.check()
    assert pair.left.names == ["d/", "d/a"]


def test_parcels_overtake(pair: Pair) -> None:
    """What has to wait for an upload may be overtaken by what was sent later."""
    pair.left.put("a", b"first")
    upload = pair.right.begin("a", b"of the other")
    pair.run(pair.left)
    pair.run(pair.right)  # has to wait
    pair.left.remove("a")
    pair.now += 1
    pair.left.put("a", b"second")
    pair.run(pair.left)
    upload.release()
    pair.run(pair.right)  # the second one does not
    pair.check()
    assert pair.right.names == ["a"]
    found = pair.right.store.find(path("a"))
    assert isinstance(found, StoredObject) and found.content.held == b"second"


def test_restored_to_a_system_that_lost_only_the_link(pair: Pair) -> None:
    """What was written there meanwhile travels too."""
    pair.link.ends[1].remove()
    pair.left.put("a", b"on the left")
    pair.right.put("b", b"on the right")
    act("restore", pair.link.ends[0])
    pair.check()
    assert pair.left.names == ["a", "b"]


def test_link_removed_during_a_change(pair: Pair) -> None:
    """A change that meets a link which another thread is removing is not sent."""
    pair.left.put("a")
    end = pair.link.ends[0]
    pair.link.close()
    end.on_change(KEY, path("a"), 4)
    assert not end.has_work


# Every pair of operations

Operation = Callable[[Half], object]


def replace(system: Half) -> None:
    system.remove("d/a")
    system.put("d/a", b"replaced on " + system.domain.encode())


def remove_all(system: Half) -> None:
    system.remove("d/a")
    system.remove("d")


def become_directory(system: Half) -> None:
    system.remove("d/a")
    system.put("d/a/b", b"below")


def become_object(system: Half) -> None:
    remove_all(system)
    system.put("d", b"object")


def come_and_go(system: Half) -> None:
    system.put("d/a", b"short-lived")
    system.remove("d/a")


OPERATIONS: dict[str, Operation] = {
    "store": lambda system: system.put("d/a", b"on " + system.domain.encode()),
    "store the same": lambda system: system.put("d/a", b"same"),
    "delete": lambda system: system.remove("d/a"),
    "change": lambda system: system.change("d/a", index=system.domain.startswith("hcp1")),
    "hold": lambda system: system.change("d/a", hold=True),
    "annotate": lambda system: system.annotate("d/a", "x", b"<%s/>" % system.domain.encode()),
    "replace": replace,
    "store and delete": come_and_go,
    "make a directory": lambda system: system.make("d/a"),
    "delete the directory": remove_all,
    "become a directory": become_directory,
    "become an object": become_object,
}
STARTS: dict[str, Operation] = {
    "nothing": lambda system: None,
    "a directory": lambda system: system.make("d"),
    "an object": lambda system: system.put("d/a", b"at the start"),
}


PAIRS = list(itertools.combinations_with_replacement(OPERATIONS, 2))


def attempt(operation: Operation, system: Half) -> None:
    try:
        operation(system)
    except REFUSED:
        pass


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("first, second", PAIRS)
def test_two_operations(tmp_path: pathlib.Path, start: str, first: str, second: str) -> None:
    """Whatever is done on both systems at once, at the same millisecond or not."""
    dice = random.Random(f"{start}, {first}, {second}")
    for number in range(12):
        (folder := tmp_path / str(number)).mkdir()
        pair = Pair(folder)
        STARTS[start](pair.left)
        if number % 3:
            pair.settle()
        one, other = dice.sample(pair.both, 2)
        attempt(OPERATIONS[first], one)
        pair.now += number % 2
        for _ in range(dice.randrange(5)):
            pair.step(dice.choice(pair.both))
        attempt(OPERATIONS[second], other)
        for _ in range(dice.randrange(5)):
            pair.step(dice.choice(pair.both))
        attempt(OPERATIONS[dice.choice([first, second])], dice.choice(pair.both))
        pair.check()


# Anything

NAMES = (
    ["a", "d/c", "d/e"],
    ["a", "a/b", "a/b/c", "d/c"],
    ["d", "d/c"],
    ["d/c", "d/e", "d/e/f"],
    ["a", ".lost+found/a", "a/b", ".lost+found"],
)


class Clients:
    """Do by *dice* what clients and an administrator can do on both systems."""

    def __init__(self, pair: Pair, dice: random.Random) -> None:
        self.pair = pair
        self.dice = dice
        self.names = dice.choice(NAMES)
        self.uploads: list[tuple[Half, ObjectUpload]] = []

    def act(self) -> None:
        """Do one thing, if it is allowed."""
        dice, system = self.dice, self.dice.choice(self.pair.both)
        there = system.names
        name = dice.choice([*self.names, *(each for each in there if not each.endswith("/"))])
        directories = [each[:-1] for each in there if each.endswith("/")]
        actions: list[Callable[[], object]] = [
            *[lambda: system.put(name, dice.randbytes(6))] * 4,
            *[lambda: system.remove(name)] * 3,
            *[lambda: system.remove(dice.choice(directories or ["none"]))] * 3,
            lambda: system.make(name),
            lambda: system.change(name, index=dice.random() < 0.5),
            lambda: system.annotate(name, dice.choice("xy"), dice.choice([b"<a/>", b"<b/>"])),
            lambda: self.uploads.append((system, system.begin(name, dice.randbytes(5)))),
            self.end_upload,
            lambda: act("suspend", self.pair.link.ends[0]),
            lambda: act("resume", self.pair.link.ends[0]),
        ]
        try:
            dice.choice(actions)()
        except REFUSED:
            pass

    def end_upload(self) -> None:
        if self.uploads:
            system, place = self.uploads.pop(self.dice.randrange(len(self.uploads)))
            if self.dice.random() < 0.7:
                system.finish(place)
            else:
                place.release()

    def end(self) -> None:
        while self.uploads:
            self.end_upload()
        act("resume", self.pair.link.ends[0])


def run_anything(folder: pathlib.Path, seed: int) -> None:
    """A story of up to forty acts, with the two threads getting on by chance in between."""
    dice = random.Random(seed)
    pair = Pair(folder)
    clients = Clients(pair, dice)
    chance_of_tick, chance_of_step = dice.choice([0, 0.1, 0.5, 1]), dice.choice([0.2, 0.5, 0.75])
    for _ in range(dice.choice([4, 8, 15, 40])):
        clients.act()
        if dice.random() < chance_of_tick:
            pair.now += 1
        while dice.random() < chance_of_step:
            system = dice.choice(pair.both)
            if dice.random() < 0.1:
                pair.ring(system)
            pair.step(system)
    clients.end()
    pair.check()


@pytest.mark.parametrize("start", range(0, 800, 100))
def test_anything(tmp_path: pathlib.Path, start: int) -> None:
    """Whatever is done on both systems in whatever order, in the end both have the same."""
    for seed in range(start, start + 100):
        (folder := tmp_path / str(seed)).mkdir()
        run_anything(folder, seed)
