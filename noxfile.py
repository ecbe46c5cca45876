"""What a change is checked by; ``nox -l`` lists the sessions, CONTRIBUTING.rst explains them.

Each session has its own virtual environment in ``.nox``. ``nox -R`` uses it again as it is.
"""

import shutil
from pathlib import Path

import nox

PYTHONS = ["3.10", "3.11", "3.12", "3.13"]

nox.options.sessions = ["lint", "types", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests, or those that are named: ``nox -s tests-3.12 -- tests/unit``."""
    session.install("-e", ".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Type annotations, in strict mode."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the manual, check its links, and run its examples."""
    session.install("-e", ".[test,docs]")
    session.run("pytest", *(session.posargs or ["tests/docs"]))


@nox.session
def coverage(session: nox.Session) -> None:
    """Coverage by the tests of the library; fails below the floor in pyproject.toml.

    The tests of interrupts use the same hook of the interpreter as coverage does.
    """
    session.install("-e", ".[test,dask,samples]")
    directories = session.posargs or ["tests/unit", "tests/wire", "tests/service"]
    ignored = "--ignore=tests/wire/test_interrupts.py"
    session.run("pytest", "--cov=hcpsdk", ignored, *directories)


@nox.session
def bench(session: nox.Session) -> None:
    """Test the benchmark, then compare instruction counts with those recorded.

    ``nox -s bench -- --only 'small-*'`` measures instead.
    """
    session.install("-e", ".[test,bench]")
    if session.posargs:
        session.run("python", "-m", "tests.bench", *session.posargs)
        return
    session.run("pytest", "tests/bench")
    session.run("python", "-m", "tests.bench", "--gate")


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and try the wheel where nothing else is installed."""
    session.install("build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", silent=True)
    (wheel,) = Path("dist").resolve().glob("*.whl")
    samples = Path("samples").resolve()
    session.run("python", "-m", "venv", "--clear", "dist/venv")
    python = str(Path("dist/venv/bin/python").absolute())
    with session.chdir(session.create_tmp()):  # away from the source tree
        session.run(python, "-m", "pip", "install", "-q", str(wheel), external=True)
        session.run(python, "-W", "error", "-c", "import hcpsdk", external=True)
        session.run(python, "-m", "pip", "install", "-q", f"{wheel}[testing]", external=True)
        script = str(samples / "simple_primary_only.py")
        session.run(python, "-m", "hcpsdk.testing", "run", script, external=True)
    shutil.rmtree("dist/venv")
