"""Loggers, and when nothing is formatted."""

import ast
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hcpsdk
from hcpsdk import ips

NAME = "n1.m.hcp1.snomis.local"
PACKAGE = Path(hcpsdk.__file__).parent
SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "testing"
)
LOGGING_METHODS = {"debug", "info", "warning", "error", "critical", "exception", "log"}


def calls_of_log(tree: ast.AST) -> Iterator[ast.Call]:
    """Every ``log.debug(...)`` and the like."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LOGGING_METHODS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "logger", "logging"}
        ):
            yield node


def test_null_handler() -> None:
    """There is a NullHandler on `hcpsdk` (contract 9)."""
    handlers = logging.getLogger("hcpsdk").handlers
    assert [type(handler) for handler in handlers].count(logging.NullHandler) == 1


def test_an_application_without_logging_sees_nothing() -> None:
    """With the NullHandler nothing of ours goes to stderr by itself (contract 9)."""
    code = (
        "import hcpsdk, logging\n"
        "logging.getLogger('hcpsdk.Connection').error('an error of ours')\n"
        "auth = hcpsdk.NativeAuthorization('n', 'n01')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_level_is_left_to_the_application() -> None:
    """The library sets no level and no other handler on its loggers (contract 9)."""
    code = (
        "import logging\n"
        "from hcpsdk import *\n"
        "loggers = [l for n, l in logging.root.manager.loggerDict.items()\n"
        "           if n.split('.')[0] == 'hcpsdk' and isinstance(l, logging.Logger)]\n"
        "print(len(loggers) > 3, {l.level for l in loggers}, {l.propagate for l in loggers},\n"
        "      {l.disabled for l in loggers}, sum(len(l.handlers) for l in loggers),\n"
        "      logging.root.handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.strip() == "True {0} {True} {False} 1 []"


def test_loggers_are_named_after_public_classes() -> None:
    """Each logger is called as the public class that it speaks for (contract 9)."""
    code = (
        "import logging\n"
        "from hcpsdk import *\n"
        "print(*(n for n in logging.root.manager.loggerDict if n.startswith('hcpsdk.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    names = done.stdout.split()
    assert {"hcpsdk.Connection", "hcpsdk.Target", "hcpsdk.NativeAuthorization"} <= set(names)
    assert "hcpsdk.ips.Circle" in names
    for name in names:
        found: Any = hcpsdk
        for part in name.split(".")[1:]:
            assert not part.startswith("_")
            found = getattr(found, part)
        assert isinstance(found, (type, type(hcpsdk)))
        assert isinstance(found, type) or name == "hcpsdk.ips"  # logging makes the parents


def test_authorization_tells_who_without_telling_how(caplog: pytest.LogCaptureFixture) -> None:
    """The manual's lines (manual 10.1.2), with the user part as sent and `********` (contract
    9)."""
    caplog.set_level(logging.DEBUG, "hcpsdk")
    hcpsdk.NativeAuthorization("n", "n01")
    assert caplog.record_tuples == [
        ("hcpsdk.NativeAuthorization", logging.DEBUG, message)
        for message in (
            "*I_NATIVE* authorization initialized for user: n",
            "pre version 6:     Cookie: hcp-ns-auth=bg==:********",
            "version 6+: Authorization: HCP bg==:********",
        )
    ]


def test_target_says_what_the_manual_shows(
    caplog: pytest.LogCaptureFixture, names: Any, authorization: Any
) -> None:
    """The manual's lines for a Target and a Connection, in its order (manual 10.2.2) (contract
    9)."""
    nodes = ["192.168.0.53", "192.168.0.54"]
    names.set(NAME, nodes)
    caplog.set_level(logging.DEBUG, "hcpsdk")
    caplog.clear()
    target = hcpsdk.Target(NAME, authorization)
    hcpsdk.Connection(target)
    hcpsdk.Connection(target, timeout=5, idletime=2.5, retries=3)
    assert caplog.record_tuples == [
        (
            "hcpsdk.ips.Circle",
            10,
            "(re-) loaded IP address cache: ['192.168.0.53', '192.168.0.54']",
        ),
        ("hcpsdk.ips.Circle", 10, "issued IP address: 192.168.0.53"),
        ("hcpsdk.Target", 10, f"Target initialized: {NAME}:443 - SSL = True"),
        (
            "hcpsdk.Connection",
            10,
            f"Connection object initialized: IP None ({NAME}) - timeout: 30 - idletime: 30 - "
            "retries: 0",
        ),
        ("hcpsdk.Connection", 10, "SSLcontext = None"),
        (
            "hcpsdk.Connection",
            10,
            f"Connection object initialized: IP None ({NAME}) - timeout: 5 - idletime: 2.5 - "
            "retries: 3",
        ),
        ("hcpsdk.Connection", 10, "SSLcontext = None"),
    ]


def test_a_plain_target_has_no_context_to_tell(
    caplog: pytest.LogCaptureFixture, names: Any, authorization: Any
) -> None:
    """Without TLS the manual shows no `SSLcontext` (manual 10.1.2) (contract 9)."""
    names.set(NAME, ["192.168.0.53"])
    caplog.set_level(logging.DEBUG, "hcpsdk")
    hcpsdk.Connection(hcpsdk.Target(NAME, authorization, 80))
    assert f"Target initialized: {NAME}:80 - SSL = False" in caplog.messages
    assert not any("SSLcontext" in message for message in caplog.messages)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_formatted_in_a_call_of_log(path: Path) -> None:
    """Nothing is formatted while DEBUG is off: a message is a constant with places for arguments,
    and no argument is made for it alone (contract 9)."""
    for call in calls_of_log(ast.parse(path.read_text("utf-8"))):
        message, *arguments = call.args
        assert isinstance(message, ast.Constant), f"line {call.lineno}"
        made = [
            node
            for argument in arguments
            for node in ast.walk(argument)
            if isinstance(node, (ast.Call, ast.JoinedStr, ast.Mod))
        ]
        assert made == [], f"line {call.lineno}: {ast.unparse(call)}"


def test_the_walk_finds_calls_of_log() -> None:
    """The test above sees something."""
    found = [call for path in SOURCES for call in calls_of_log(ast.parse(path.read_text("utf-8")))]
    assert len(found) > 15


def test_nothing_is_recorded_while_debug_is_off(
    caplog: pytest.LogCaptureFixture, names: Any, clock: Any
) -> None:
    """Nothing is formatted while DEBUG is off: no record is even made (contract 9)."""
    caplog.set_level(logging.INFO, "hcpsdk")
    made: list[object] = []
    factory = logging.getLogRecordFactory()
    names.set(NAME, ["127.0.1.1", "127.0.1.2"])
    try:
        logging.setLogRecordFactory(lambda *args, **kw: made.append(args) or factory(*args, **kw))
        target = hcpsdk.Target(NAME, hcpsdk.NativeAuthorization("n", "n01"))
        connection = hcpsdk.Connection(target)
        target.getaddr()
        names.fail(NAME)
        target._circle.connect_failed("127.0.1.1")
        with pytest.raises(ips.IpsError):
            target._circle.refresh()
        connection.close()
    finally:
        logging.setLogRecordFactory(factory)
    assert made == []
