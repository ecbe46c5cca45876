"""`hcpsdk.testing.fixtures`, in pytest sessions of its own."""

from pathlib import Path

import pytest

import hcpsdk

pytest_plugins = ["pytester"]

ROOT = str(Path(hcpsdk.__file__).parents[1])

HELPERS = """
    from http.client import HTTPConnection

    def ask(hcp, method, path, body=None):
        connection = HTTPConnection(f"n1.m.{hcp.domain}")
        token = f"HCP {hcp.users[0].token}"
        connection.request(method, path, body, {"Authorization": token})
        response = connection.getresponse()
        found = response.status, response.read()
        connection.close()
        return found
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project whose conftest.py has the plugin."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    pytester.makeconftest('pytest_plugins = ["hcpsdk.testing.fixtures"]')
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(helpers=HELPERS)
    return pytester


def run(project: pytest.Pytester, code: str) -> pytest.RunResult:
    project.makepyfile(test_project="from helpers import ask\n\n" + code)
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly")


def test_fresh_for_each_test(project: pytest.Pytester) -> None:
    """`hcp` has no objects, requests, faults or moved clock left from another test."""
    result = run(
        project,
        """
import pytest
from hcpsdk.testing import Answer

@pytest.mark.parametrize("number", range(3))
def test_it(hcp, number):
    assert (hcp.requests, hcp.faults) == ([], [])
    assert ask(hcp, "PUT", "/rest/a", b"abc")[0] == 201
    assert abs(hcp.clock.now().timestamp() - __import__("time").time()) < 1000
    hcp.clock.advance(1e6)
    hcp.add_fault(Answer(503))
    hcp.nodes[0].stop()
""",
    )
    result.assert_outcomes(passed=3)


def test_one_system_for_the_session(project: pytest.Pytester) -> None:
    """`hcp_session` starts once, can be used by fixtures of any scope, and is what `hcp` gives."""
    result = run(
        project,
        """
import pytest

@pytest.fixture(scope="module")
def filled(hcp_session):
    hcp_session.preload({"/rest/a": "abc"})
    return hcp_session

def test_one(filled):
    assert ask(filled, "GET", "/rest/a") == (200, b"abc")

def test_two(filled):
    assert ask(filled, "GET", "/rest/a") == (200, b"abc")
    assert len(filled.requests) == 2

def test_three(filled, hcp):
    assert hcp is filled
    assert ask(hcp, "GET", "/rest/a")[0] == 404
""",
    )
    result.assert_outcomes(passed=3)


def test_pair(project: pytest.Pytester) -> None:
    """`hcp_pair` has two systems that replicate to each other, both empty."""
    result = run(
        project,
        """
import pytest

@pytest.mark.parametrize("number", range(2))
def test_it(hcp_pair, hcp, number):
    first, second, link = hcp_pair
    assert (first, hcp_pair.second) == (hcp, second)
    assert ask(second, "GET", "/rest/a")[0] == 404
    assert ask(first, "PUT", "/rest/a", b"abc")[0] == 201
    link.wait()
    assert ask(second, "GET", "/rest/a") == (200, b"abc")

def test_later(hcp):
    assert ask(hcp, "GET", "/rest/a")[0] == 404
""",
    )
    result.assert_outcomes(passed=3)


def test_options(project: pytest.Pytester) -> None:
    """The arguments of the HCPs can be chosen by a fixture."""
    result = run(
        project,
        """
import pytest
from hcpsdk.testing import Namespace

@pytest.fixture(scope="session")
def hcp_options():
    return {"nodes": 1, "namespaces": [Namespace("n1", "m", quota_bytes=2)]}

def test_it(hcp_pair):
    assert [len(hcp.nodes) for hcp in hcp_pair[:2]] == [1, 1]
    assert ask(hcp_pair.second, "PUT", "/rest/a", b"abc")[0] == 413
""",
    )
    result.assert_outcomes(passed=1)


def test_failed_test_shows_requests(project: pytest.Pytester) -> None:
    """The report of a failed test has the requests that came instead, without credentials."""
    result = run(
        project,
        """
def test_it(hcp_pair):
    ask(hcp_pair.first, "PUT", "/rest/letters/to%20alice?retention=0", b"abc")
    assert [request.target for request in hcp_pair.first.requests] == ["/rest/letters/to%20bob"]

def test_none(hcp):
    assert hcp.requests

def test_many(hcp):
    for number in range(52):
        ask(hcp, "HEAD", f"/rest/{number}")
    assert False
""",
    )
    result.assert_outcomes(failed=3)
    output = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "*- Requests received by hcp1.snomis.local -*",
            "PUT /rest/letters/to%20alice?retention=0 -> 201  "
            "(3 bytes, n1.m.hcp1.snomis.local at 127.0.0.5?:80)",
            "*- Requests received by hcp2.snomis.local -*",
            "(none)",
            "*- Requests received by hcp1.snomis.local -*",
            "(none)",
            "*- Requests received by hcp1.snomis.local -*",
            "(2 earlier ones)",
            "HEAD /rest/2 -> 404 *",
            "HEAD /rest/51 -> 404 *",
        ]
    )
    assert output.count("HEAD /rest/") == 50
    assert "1dc7fed37e11b35093d311ef66928ad9" not in output


def test_passed_test_shows_nothing(project: pytest.Pytester) -> None:
    """A test that passes or is skipped has no such section."""
    result = run(
        project,
        """
import pytest

def test_it(hcp):
    ask(hcp, "GET", "/rest/a")

def test_skipped(hcp):
    pytest.skip("for a reason")
""",
    )
    result.assert_outcomes(passed=1, skipped=1)
    assert "Requests received" not in result.stdout.str()


def test_processes_of_a_test(project: pytest.Pytester) -> None:
    """Python processes that a test starts reach the HCP, too; those of later tests do not."""
    result = run(
        project,
        """
import os, subprocess, sys

CODE = "import socket; print(socket.gethostbyname('n1.m.hcp2.snomis.local'))"

def test_it(hcp_pair):
    found = subprocess.check_output([sys.executable, "-c", CODE], text=True).strip()
    assert found in [node.address for node in hcp_pair.second.nodes]

def test_later():
    assert not [name for name in os.environ if name.startswith("HCPSDK_TESTING")]
""",
    )
    result.assert_outcomes(passed=2)


def test_bug_of_the_emulator(project: pytest.Pytester) -> None:
    """If the emulator itself fails, the test that made it fail has an error."""
    result = run(
        project,
        """
import pytest

class Broken:
    async def answer(self, request):
        1 / 0
    def reset(self):
        pass

@pytest.fixture(scope="session")
def hcp_options():
    return {"site": lambda system, folder: Broken()}

def test_it(hcp):
    ask(hcp, "GET", "/rest/a")

def test_later(hcp):
    pass
""",
    )
    result.assert_outcomes(passed=2, errors=1)
