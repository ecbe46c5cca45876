"""The seven actions on links: which are allowed where and when, and what each end then shows."""

from collections.abc import Iterator

import pytest

from hcpsdk.testing import HCP, Link, link

from ..conftest import Site

# How to bring a link into a state: the actions, and on which of the two systems.
Steps = list[tuple[str, int]]

ACTIVE: dict[str, Steps] = {
    "normal": [],
    "suspended": [("suspend", 1)],
    "failed over to 2": [("failOver", 2)],
}
PASSIVE: dict[str, Steps] = {
    **ACTIVE,
    "recovering": [("failOver", 2), ("beginRecovery", 2)],
    "completing": [("failOver", 2), ("beginRecovery", 2), ("completeRecovery", 2)],
}

ACTIONS = (
    *("suspend", "resume", "failOver", "failBack", "beginRecovery", "completeRecovery"),
    "restore",
)

# For each state the statuses of ACTIONS in this order, asked of system 1 and of system 2.
# 400: not on this type of link. 403: not on this system, or not now.
ACTIVE_TABLE = {
    "normal": ([200, 200, 200, 403, 400, 400, 403], [200, 200, 200, 403, 400, 400, 403]),
    "suspended": ([200, 200, 200, 403, 400, 400, 403], [200, 200, 200, 403, 400, 400, 403]),
    "failed over to 2": ([403, 403, 403, 403, 400, 400, 403], [403, 403, 200, 200, 400, 400, 403]),
}
PASSIVE_TABLE = {
    "normal": ([200, 200, 403, 400, 403, 403, 403], [200, 200, 200, 400, 403, 403, 403]),
    "suspended": ([200, 200, 403, 400, 403, 403, 403], [200, 200, 200, 400, 403, 403, 403]),
    "failed over to 2": ([403, 403, 403, 400, 403, 403, 403], [403, 403, 200, 400, 200, 403, 403]),
    "recovering": ([403, 403, 403, 400, 403, 403, 403], [403, 403, 200, 400, 403, 200, 403]),
    "completing": ([403, 403, 403, 400, 403, 403, 403], [403, 403, 403, 400, 403, 403, 403]),
}

# What system 1 and system 2 show in each state, and whether their namespaces can be written.
ACTIVE_VIEWS = {
    "normal": [("GOOD: Synchronizing data (ACTIVE_ACTIVE)", 201)] * 2,
    "suspended": [("WARNING: Suspended by user (ACTIVE_ACTIVE)", 201)] * 2,
    "failed over to 2": [("WARNING: Failed over (ACTIVE_ACTIVE)", 201)] * 2,
}
PASSIVE_VIEWS = {
    "normal": [("GOOD: Sending data (OUTBOUND)", 201), ("GOOD: Receiving data (INBOUND)", 403)],
    "suspended": [
        ("WARNING: Suspended by user (OUTBOUND)", 201),
        ("WARNING: Suspended by user (INBOUND)", 403),
    ],
    "failed over to 2": [
        ("WARNING: Failed over (OUTBOUND)", 201),
        ("WARNING: Failed over (INBOUND)", 201),
    ],
    "recovering": [
        ("WARNING: Receiving data (OUTBOUND)", 403),
        ("WARNING: Recovering data (INBOUND)", 201),
    ],
    "completing": [
        ("WARNING: Receiving data (OUTBOUND)", 403),
        ("WARNING: Completing recovery (INBOUND)", 403),
    ],
}


@pytest.fixture(params=["ACTIVE_ACTIVE", "ACTIVE_PASSIVE"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def sites(site1: Site, site2: Site) -> tuple[Site, Site]:
    return site1, site2


@pytest.fixture
def made(kind: str, sites: tuple[Site, Site]) -> Iterator[Link]:
    """A slow link with something to send from either side, so that no state ends by itself."""
    with link(sites[0].hcp, sites[1].hcp, kind, delay=3600) as slow:  # type: ignore[arg-type]
        yield slow


def brought_to(state: str, made: Link, sites: tuple[Site, Site]) -> None:
    """Bring the link into *state*."""
    steps = ACTIVE if made.type == "ACTIVE_ACTIVE" else PASSIVE
    for action, number in steps[state]:
        if action == "beginRecovery":  # something to recover
            assert sites[1].rest("PUT", "/rest/written-while-failed-over", b"").status == 201
        answer = sites[number - 1].act(made, action)
        assert answer.status == 200, (action, answer)


CELLS = [("ACTIVE_ACTIVE", state) for state in ACTIVE] + [
    ("ACTIVE_PASSIVE", state) for state in PASSIVE
]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("position", range(len(ACTIONS)), ids=ACTIONS)
@pytest.mark.parametrize("kind, state", CELLS, indirect=["kind"])
def test_table(
    made: Link, sites: tuple[Site, Site], state: str, position: int, number: int
) -> None:
    """Each action gets the status of its cell; one that is refused says why and does nothing."""
    brought_to(state, made, sites)
    before = [site.state(made) for site in sites]
    table = ACTIVE_TABLE if made.type == "ACTIVE_ACTIVE" else PASSIVE_TABLE
    answer = sites[number - 1].act(made, ACTIONS[position])
    assert answer.status == table[state][number - 1][position]
    if answer.status == 200:
        assert answer["Content-Length"] == "0"
    else:
        assert answer["X-HCP-ErrorMessage"]
        assert [site.state(made) for site in sites] == before


@pytest.mark.parametrize("kind, state", CELLS, indirect=["kind"])
def test_views(made: Link, sites: tuple[Site, Site], state: str) -> None:
    """In each state both ends show what they should, and let clients write or not."""
    brought_to(state, made, sites)
    views = ACTIVE_VIEWS if made.type == "ACTIVE_ACTIVE" else PASSIVE_VIEWS
    for number, site in enumerate(sites):
        text, status = views[state][number]
        assert site.state(made) == text
        assert site.details(made)["suspended"] == ("true" if state == "suspended" else "false")
        answer = site.rest("PUT", "/rest/new", b"")
        assert answer.status == status
        if status == 403:
            assert "read-only" in answer["X-HCP-ErrorMessage"]


def test_read_only(made: Link, sites: tuple[Site, Site], kind: str) -> None:
    """A replica refuses all that changes something, and lets everybody read."""
    made.delay = 0
    assert sites[0].rest("PUT", "/rest/a", b"data").status == 201
    made.wait()
    changes = [
        ("PUT", "/rest/b"),
        ("PUT", "/rest/d?type=directory"),
        ("PUT", "/rest/a?type=custom-metadata&annotation=x"),
        ("POST", "/rest/a?index=false"),
        ("DELETE", "/rest/a"),
    ]
    statuses = {sites[1].rest(method, target, b"").status for method, target in changes}
    assert 403 not in statuses if kind == "ACTIVE_ACTIVE" else statuses == {403}
    assert sites[1].rest("GET", "/rest").status == 200


@pytest.mark.parametrize("form", ["{}", "{}=", "{}=true", "{}&verbose=true&unknown=1"])
def test_forms(made: Link, sites: tuple[Site, Site], form: str) -> None:
    """An action is a parameter with any value or none; unknown ones do no harm."""
    assert sites[0].act(made, form.format("suspend")).status == 200
    assert sites[1].details(made)["suspended"] == "true"


def test_alias(made: Link, sites: tuple[Site, Site], kind: str) -> None:
    """``beginRecover``, as the manual prints it, is ``beginRecovery`` (section 4.4)."""
    assert sites[1].act(made, "failOver").status == 200
    wanted = 200 if kind == "ACTIVE_PASSIVE" else 400
    assert sites[1].act(made, "beginRecover").status == wanted


def test_bad_requests(made: Link, sites: tuple[Site, Site]) -> None:
    """No action at all, two of them, one with a body, one that does not exist: 400 each."""
    target = f"/links/{made.name.replace('<', '%3C').replace('>', '%3E')}"
    xml = {"Content-Type": "application/xml"}
    for query, body in (
        ("", None),
        ("?explode", None),
        ("?Suspend", None),
        ("?suspend&resume", None),
        ("?suspend", "<link/>"),
    ):
        answer = sites[0].mapi("POST", target + query, body, xml)
        assert answer.status == 400, (query, answer)
        assert answer["X-HCP-ErrorMessage"]
    assert sites[0].details(made)["suspended"] == "false"
    assert sites[0].mapi("POST", "/links/none?suspend").status == 404


def test_needs_the_other_system(made: Link, sites: tuple[Site, Site], kind: str) -> None:
    """Ending a failover needs the other system; failing over does not."""
    for node in sites[0].hcp.nodes:
        node.stop()
    assert sites[1].act(made, "failOver").status == 200
    action = "failBack" if kind == "ACTIVE_ACTIVE" else "beginRecovery"
    assert sites[1].act(made, action).status == 403
    sites[0].hcp.nodes[3].start()
    assert sites[1].act(made, action).status == 200


def test_broken(made: Link, sites: tuple[Site, Site]) -> None:
    """A link whose other system does not answer is broken, until that comes back."""
    made.delay = 0
    for node in sites[0].hcp.nodes:
        node.stop()
    assert sites[1].details(made)["statusMessage"] == "Broken link"
    assert sites[1].details(made)["status"] == "BAD"
    sites[0].hcp.nodes[0].start()
    assert sites[1].details(made)["status"] == "GOOD"


@pytest.mark.parametrize("lost", [0, 1])
def test_restore(sites: tuple[Site, Site], kind: str, lost: int) -> None:
    """A system that lost everything gets the link back by ``restore`` on the other one."""
    pair = [HCP("left.snomis.local"), HCP("right.snomis.local")]
    with pair[0], pair[1]:
        left_right = [Site(hcp) for hcp in pair]
        stays, comes_back = left_right[1 - lost], left_right[lost]
        made = link(pair[0], pair[1], kind)  # type: ignore[arg-type]
        assert left_right[0].rest("PUT", "/rest/a", b"kept").status == 201
        made.wait()
        comes_back.hcp.stop()
        assert stays.act(made, "restore").status == 403
        comes_back.hcp.start()
        assert comes_back.mapi("GET", "/links").body.endswith(b"<links/>")
        assert stays.details(made)["statusMessage"] == "Broken link"
        assert stays.act(made, "restore").status == 200
        assert comes_back.details(made)["status"] == "GOOD"
        assert stays.act(made, "restore").status == 403
        if kind == "ACTIVE_PASSIVE" and lost == 0:  # the replica has to give it back
            for action in ("failOver", "beginRecovery", "completeRecovery"):
                assert stays.act(made, action).status == 200
        made.wait()
        assert comes_back.rest("GET", "/rest/a").body == b"kept"
