"""The two commands, as processes of their own."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

COMMAND = [sys.executable, "-m", "hcpsdk.testing"]
HOST = "n1.m.hcp1.snomis.local"


def finished(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, env=env, timeout=60)


@contextlib.contextmanager
def started(*words: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process whose output can be read; killed in the end."""
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    ) as process:
        try:
            yield process
        finally:
            process.kill()


# run


def as_python_does(
    script: pathlib.Path, *arguments: str, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """The result of `run`, after a comparison with that of Python itself."""
    ours = finished(*COMMAND, "run", str(script), *arguments, env=env)
    pythons = finished(sys.executable, str(script), *arguments, env=env)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        pythons.returncode,
        pythons.stdout,
        pythons.stderr,
    )
    return ours


@pytest.mark.parametrize(
    "code, status",
    [
        ("import sys; print(sys.argv, sys.path[0], __name__, __file__)", 0),
        ("import sys; sys.exit('that is all')", 1),
        ("import sys; sys.exit(7)", 7),
        ("import os; os._exit(9)", 9),
        ("def f():\n    raise KeyError('x')\nf()", 1),
        ("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError from e", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import neighbour", 0),
        ("import atexit; atexit.register(print, 'late')", 0),
        ("import threading; threading.Timer(0.01, print, ['thread']).start()", 0),
        ("def broken(:", 1),
    ],
)
def test_run_is_like_python(
    tmp_path: pathlib.Path, environment: dict[str, str], code: str, status: int
) -> None:
    """Arguments, output, tracebacks and exit codes are those of `python3 SCRIPT`."""
    script = tmp_path / "script.py"
    script.write_text(code)
    (tmp_path / "neighbour.py").write_text("print('found')")
    result = as_python_does(script, "--domain", "x", env=environment)
    assert result.returncode == status


def test_run_without_script(tmp_path: pathlib.Path, environment: dict[str, str]) -> None:
    """A script that is not there: one line, and Python's own exit code."""
    as_python_does(tmp_path / "none.py", env=environment)


def test_run_has_an_hcp(tmp_path: pathlib.Path, environment: dict[str, str]) -> None:
    """Names, ports and the CA file are there, for threads and exit handlers of the script too."""
    script = tmp_path / "script.py"
    script.write_text(f"""
import atexit, http.client, os, pathlib, ssl, threading
ca_file = os.environ["HCPSDK_TESTING_CAFILE"]
def get(who):
    context = ssl.create_default_context(cafile=ca_file)
    connection = http.client.HTTPSConnection("n1.m.my.example.com", context=context)
    connection.request("GET", "/rest")
    print(who, connection.getresponse().status)
    connection.close()
atexit.register(lambda: get("exit"))
get("main")
threading.Timer(0.01, get, ["thread"]).start()
pathlib.Path({str(tmp_path / "told")!r}).write_text(ca_file)
""")
    result = finished(*COMMAND, "run", "--domain", "my.example.com", str(script), env=environment)
    assert (result.stdout, result.stderr) == ("main 403\nthread 403\nexit 403\n", "")
    assert not pathlib.Path((tmp_path / "told").read_text()).exists()


def test_ctrl_c_during_run(tmp_path: pathlib.Path, environment: dict[str, str]) -> None:
    """Ctrl-C ends the script as Python ends it, with nothing of ours in the traceback."""
    script = tmp_path / "script.py"
    script.write_text("import signal\nprint('ready', flush=True)\nsignal.pause()\n")
    environment["TMPDIR"] = str(tmp_path)
    with started(*COMMAND, "run", str(script), env=environment) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT  # the shell says 130
    assert output == ""
    assert errors.splitlines()[0] == "Traceback (most recent call last):"
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert errors.count("File ") == 1 and str(script) in errors
    assert list(tmp_path.iterdir()) == [script]


# serve


def told(process: subprocess.Popen[str]) -> list[str]:
    """The lines that `serve` prints when it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("Press Ctrl-C"):
        line = process.stdout.readline()
        assert line, f"it ended early: {lines}"
        lines.append(line.strip())
    return lines


def pasted(line: str, *more: str) -> str:
    """What the shell prints when *line* is pasted into it."""
    command = " ".join([line, "--silent", "--show-error", *more])
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
@pytest.mark.parametrize("is_ordinary_user", [True, False])
def test_serve_and_curl(
    tmp_path: pathlib.Path, environment: dict[str, str], is_ordinary_user: bool
) -> None:
    """The printed line works when pasted; objects come in, out, in part, and go."""
    ca_file = tmp_path / "ca.pem"
    command = [*COMMAND, "serve", "--ca-file", str(ca_file)]
    if is_ordinary_user and os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("nothing here takes root's rights away")
        command = ["setpriv", "--bounding-set", "-net_bind_service", *command]
    with started(*command, env=environment) as process:
        line = next(line for line in told(process) if line.startswith("curl "))
        assert "<directory" in pasted(line)
        put = line.replace(f"{HOST}/rest", f"{HOST}/rest/a")
        assert pasted(put, "--data-binary abcdef -X PUT -w '%{http_code}'") == "201"
        assert pasted(put) == "abcdef"
        assert pasted(put, "--range 2-3") == "cd"
        assert 'urlName="a"' in pasted(line)
        assert pasted(put, "-X DELETE -w '%{http_code}'") == "200"
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "hcp1.snomis.local stopped.\n", "")
    assert ca_file.exists()


def test_serve_tells_everything(environment: dict[str, str], tmp_path: pathlib.Path) -> None:
    """Names, addresses, ports, users with passwords, name server and CA file are printed."""
    environment["TMPDIR"] = str(tmp_path)
    with started(*COMMAND, "serve", "--domain", "h.example.com", env=environment) as process:
        text = "\n".join(told(process))
        for word in ("n1.m.h.example.com", "n2.m.h.example.com", "127.0.0.52", "127.0.0.55"):
            assert word in text
        for word in ("80", "443", "9090", "Name server: 127.0.0.52", "n01", "service01", "ca.pem"):
            assert word in text
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "h.example.com stopped.\n", "")
    assert list(tmp_path.iterdir()) == []


def test_two_serve_at_once(environment: dict[str, str]) -> None:
    """A second one finds the ports taken and uses free ones; it says which."""
    with started(*COMMAND, "serve", env=environment) as one:
        first = told(one)
        with started(*COMMAND, "serve", env=environment) as two:
            second = told(two)
    nodes = [line for line in first + second if line.startswith("127.0.0.5")]
    assert len(nodes) == len(set(nodes)) == 8


# Mistakes


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["walk"],
        ["run"],
        ["serve", "--certificate", "none"],
        ["serve", "--ca-file", "/nowhere/ca.pem"],
        ["serve", "--env-file", "/nowhere/hcp.env"],
        ["serve", "--nodes", "0"],
        ["serve", "--nodes", "500"],
    ],
)
def test_mistakes_on_the_command_line(words: list[str], environment: dict[str, str]) -> None:
    """A wrong call gets a line that says what is wrong, no traceback."""
    done = finished(*COMMAND, *words, env=environment)
    assert done.returncode in (1, 2)
    assert done.stderr and "Traceback" not in done.stderr


def test_without_the_extra(tmp_path: pathlib.Path, environment: dict[str, str]) -> None:
    """Where trustme or h11 is missing, the message says what to install."""
    (tmp_path / "trustme.py").write_text("raise ImportError('no', name='trustme')")
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment["PYTHONPATH"]])
    for words in (["-m", "hcpsdk.testing", "serve"], ["-c", "import hcpsdk.testing"]):
        done = finished(sys.executable, *words, env=environment)
        assert done.returncode == 1
        assert "pip install '.[testing]'" in done.stderr


def test_imports_nothing_of_the_client(environment: dict[str, str]) -> None:
    """No module of the emulator imports the client, and the client does not import it."""
    import ast

    import hcpsdk.testing

    folder = pathlib.Path(hcpsdk.testing.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1, path
                assert node.level or not (node.module or "").startswith("hcpsdk"), path
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("hcpsdk") for alias in node.names), path
    code = "import hcpsdk, sys; sys.exit('hcpsdk.testing' in sys.modules)"
    assert finished(sys.executable, "-c", code, env=environment).returncode == 0
