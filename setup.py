"""Metadata of the distribution; how it is built stands in pyproject.toml."""

import ast
import pathlib

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent


def constant(name: str) -> str:
    """Read one constant from the package without importing it."""
    source = (HERE / "hcpsdk" / "_constants.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise LookupError(f"no {name} in hcpsdk/_constants.py")


TESTING = ["h11>=0.14", "trustme>=1.0"]

setup(
    name="hcpsdk",
    version=constant("VERSION"),
    description="Client library for the Hitachi Content Platform (HCP)",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    author="the hcpsdk contributors",
    license="MIT",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: System :: Archiving",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["hcpsdk", "hcpsdk.*"]),
    package_data={"hcpsdk": ["py.typed"]},
    python_requires=">=3.10",
    install_requires=["dnspython>=2.2"],
    extras_require={
        "testing": TESTING,
        "test": [*TESTING, "build", "hypothesis", "mypy", "pytest", "pytest-timeout", "ruff"],
        "docs": [*TESTING, "alabaster", "sphinx>=8.1", "sphinx-copybutton"],
        "bench": [*TESTING, "httpx", "pycurl", "requests", "urllib3"],
    },
    zip_safe=False,
)
