"""Other Python processes reach the emulated HCP by environment variables alone (contract 10.3)."""

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import hcpsdk
from hcpsdk import bulk
from hcpsdk.testing import HCP, link

ROOT = str(Path(hcpsdk.__file__).parents[1])

# What an unchanged program does: http and https, names, and the management API.
PROGRAM = """
import os, ssl
import hcpsdk
auth = hcpsdk.NativeAuthorization("n", "n01")
context = ssl.create_default_context(cafile=os.environ["HCPSDK_TESTING_CAFILE"])
for options in ({"port": 80}, {}, {"sslcontext": context}):
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", auth, **options)
    with hcpsdk.Connection(target) as connection:
        print(connection.GET("/rest/a").read().decode(), len(target.addresses))
service = hcpsdk.NativeAuthorization("service", "service01")
target = hcpsdk.Target("admin.hcp1.snomis.local", service, port=hcpsdk.P_MAPI)
links = hcpsdk.mapi.Replication(target)
print(links.getreplicationsettings()["allowTenantsToMonitorNamespaces"])
links.close()
"""
PRINTED = "abc 4\nabc 4\nabc 4\ntrue\n"


def clean(**more: str) -> dict[str, str]:
    """The environment of a process that finds the library, and has none of our variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HCPSDK_TESTING")}
    return {**kept, "PYTHONPATH": ROOT, **more}


def with_hcp(hcp: HCP) -> dict[str, str]:
    variables = hcp.environ
    return clean(**{**variables, "PYTHONPATH": f"{variables['PYTHONPATH']}{os.pathsep}{ROOT}"})


def python(code: str, env: dict[str, str], *before: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*before, sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
    )


def printed(code: str, env: dict[str, str], *before: str) -> str:
    done = python(code, env, *before)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def filled(hcp: HCP) -> HCP:
    """The HCP, with one object."""
    hcp.preload({"/rest/a": "abc"})
    return hcp


def test_subprocess(filled: HCP) -> None:
    """A process that gets the variables uses names and ports as those of a real HCP."""
    assert printed(PROGRAM, with_hcp(filled)) == PRINTED
    assert {request.port for request in filled.requests} == {80, 443, 9090}


def test_grandchildren(filled: HCP) -> None:
    """The variables are inherited by the processes that the process starts."""
    code = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PROGRAM!r}], check=True)"
    )
    assert printed(code, with_hcp(filled)) == PRINTED


def test_without_the_variables(filled: HCP) -> None:
    """A process without the variables is as it ever was."""
    code = (
        "import socket, sys\n"
        "print(socket.socket.connect is socket.SocketType.connect, 'sitecustomize' in sys.modules"
        " and 'hcpsdk' in sys.modules['sitecustomize'].__file__, 'dns' in sys.modules)"
    )
    assert printed(code, clean()).split() == ["True", "False", "False"]
    folder_only = {"PYTHONPATH": filled.environ["PYTHONPATH"]}
    assert printed(code, clean(**folder_only)).split()[0::2] == ["True", "False"]


def test_nothing_of_the_emulator_is_loaded(filled: HCP) -> None:
    """The other process loads dnspython, and nothing of hcpsdk before the program does."""
    code = "import sys; print(*(n for n in sys.modules if n.split('.')[0] in ('hcpsdk', 'h11')))"
    assert printed(code, with_hcp(filled)) == "\n"


def test_without_dnspython(filled: HCP, tmp_path: Path) -> None:
    """A Python that cannot use the library anyway starts without a complaint."""
    (tmp_path / "dns.py").write_text("raise ModuleNotFoundError(name='dns')")
    env = with_hcp(filled)
    env["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    assert printed("print('works')", env) == "works\n"


def test_other_sitecustomize(filled: HCP, tmp_path: Path) -> None:
    """A sitecustomize that the process has anyway runs, and is the module of that name."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nprint('mine', __name__)\n")
    env = with_hcp(filled)
    env["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    code = "import sys; print(sys.modules['sitecustomize'].__file__)"
    found = printed(code + PROGRAM, env)
    assert found == f"mine sitecustomize\n{tmp_path / 'sitecustomize.py'}\n{PRINTED}"


@pytest.mark.parametrize("name", ["127.0.0.52", "8.8.8.8", "::1", "localhost"])
def test_loopback_only(name: str, filled: HCP) -> None:
    """Variables that lead to another machine, or make no sense, are refused with a message."""
    env = with_hcp(filled)
    routes = env["HCPSDK_TESTING_ROUTES"].replace("127.0.0.52", name)
    done = python(
        "import socket; print(socket.gethostbyname('n1.m.hcp1.snomis.local'))",
        {**env, "HCPSDK_TESTING_ROUTES": routes},
    )
    if name == "127.0.0.52":
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert "HCPSDK_TESTING_ROUTES has no routes to emulated HCPs" in done.stderr
        assert "127.0.0." not in done.stdout


@pytest.mark.parametrize("routes", ["x", "7", '[["a"]]', '[["a", ["127.0.0.1", "b"], []]]', "[7]"])
def test_wrong_routes(routes: str) -> None:
    """Anything else in the variable is reported, too, and nothing is redirected."""
    with HCP() as hcp:
        env = {**with_hcp(hcp), "HCPSDK_TESTING_ROUTES": routes}
        done = python("import socket; print(socket.socket.connect.__module__)", env)
    assert "HCPSDK_TESTING_ROUTES has no routes to emulated HCPs" in done.stderr
    assert done.stdout.strip() != "_hcpsdk_testing_redirect"


def test_own_hcp_in_the_other_process(filled: HCP) -> None:
    """A process that starts an HCP uses its own one where both have the same names."""
    code = f"""
from hcpsdk.testing import HCP
with HCP() as hcp:
    hcp.preload({{"/rest/a": "abc"}})
    print(len(hcp.requests))
    {textwrap.indent(PROGRAM, "    ").strip()}
    print(len(hcp.requests))
"""
    lines = printed(
        code.replace('["HCPSDK_TESTING_CAFILE"]', '["NONE"]').replace(
            'os.environ["NONE"]', "hcp.ca_file"
        ),
        with_hcp(filled),
    ).splitlines()
    assert (lines[0], lines[1:-1], int(lines[-1]) > 3) == ("0", PRINTED.splitlines(), True)
    assert filled.requests == []


def test_several_systems(filled: HCP) -> None:
    """The variables lead to all HCPs of the process; failover works as long as both run."""
    code = (
        "import hcpsdk\n"
        "auth = hcpsdk.NativeAuthorization('n', 'n01')\n"
        "for fqdn in ('n1.m.hcp1.snomis.local', 'n1.m.hcp2.snomis.local'):\n"
        "    with hcpsdk.Connection(hcpsdk.Target(fqdn, auth)) as connection:\n"
        "        print(connection.GET('/rest/a').read().decode())\n"
    )
    with HCP("hcp2.snomis.local") as other, link(filled, other) as between:
        between.wait()
        assert printed(code, with_hcp(filled)) == printed(code, with_hcp(other)) == "abc\nabc\n"
        domains = [route[0] for route in json.loads(other.environ["HCPSDK_TESTING_ROUTES"])]
        assert sorted(domains) == ["hcp1.snomis.local", "hcp2.snomis.local"]


def test_spawned_workers(
    hcp: HCP, target: hcpsdk.Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that are spawned use the HCP of the process that starts them."""
    for name, value in with_hcp(hcp).items():
        monkeypatch.setenv(name, value)
    paths = [tmp_path / str(number) for number in range(40)]
    for path in paths:
        path.write_text(path.name)
    context = multiprocessing.get_context("spawn")
    jobs = [(path, f"/rest/bulk/{path.name}") for path in paths]
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        results = list(bulk.store(target, jobs, executor=executor, workers=2))

    assert [(result.status, result.error) for result in results] == [("stored", None)] * 40
    stored = {request.target for request in hcp.requests if request.status == 201}
    assert stored == {url for _, url in jobs}


# serve


@contextlib.contextmanager
def served(*options: str, before: "list[str] | None" = None) -> "Iterator[list[str]]":
    """`serve` in its own process: the lines that it prints."""
    command = [*(before or []), sys.executable, "-m", "hcpsdk.testing", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean()) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            while not lines or not lines[-1].startswith("Press Ctrl-C"):
                line = process.stdout.readline()
                assert line, lines
                lines.append(line.strip())
            yield lines
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def unprivileged() -> list[str]:
    """A command prefix with which ports below 1024 are reserved, and files of others are."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("nothing here takes root's rights away")
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]


def after(lines: list[str]) -> str:
    """What a shell prints that runs *lines* and then the program, after it stored the object."""
    store = (
        "import hcpsdk\n"
        "target = hcpsdk.Target('n1.m.hcp1.snomis.local', hcpsdk.NativeAuthorization('n', 'n01'))\n"
        "with hcpsdk.Connection(target) as connection:\n"
        "    connection.PUT('/rest/a', 'abc')\n"
        "    connection.raise_for_status()\n"
    )
    commands = [*lines, f'{sys.executable} -c "$STORE"', f'{sys.executable} -c "$PROGRAM"']
    done = subprocess.run(
        ["sh", "-c", "\n".join(commands)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean(STORE=store, PROGRAM=PROGRAM),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_serve_for_another_shell() -> None:
    """The lines that `serve` prints, pasted into another shell, are all that it takes; without
    root and without fixed ports."""
    with served(before=unprivileged()) as lines:
        assert any("80 -> " in line for line in lines)
        assert after([line for line in lines if line.startswith("export ")]) == PRINTED


def test_env_file(tmp_path: Path) -> None:
    """The same lines are in the file of `--env-file`, as long as it runs."""
    path, ca_file = tmp_path / "hcp.env", tmp_path / "ca.pem"
    with served("--env-file", str(path), "--ca-file", str(ca_file)) as lines:
        exports = [line for line in lines if line.startswith("export ")]
        assert path.read_text().splitlines() == exports
        assert any(str(ca_file) in line for line in exports)
        assert after([f". {path}"]) == PRINTED
    assert not path.exists()
