"""Client library for the Hitachi Content Platform (HCP).

A `Target` is one HCP (or one namespace of it), a `Connection` sends requests to it::

    import hcpsdk

    auth = hcpsdk.NativeAuthorization("n", "n01")
    target = hcpsdk.Target("n1.m.hcp1.snomis.local", auth, port=443)
    with hcpsdk.Connection(target) as connection:
        connection.PUT("/rest/hcpsdk/test1.txt", body="This is an example")
        print(connection.response_status, connection.getheader("X-HCP-Hash"))

"""

# ruff: noqa: F403, F405

import logging

# As typing.TYPE_CHECKING: true for type checkers. At runtime nothing is imported before its first
# use, `typing` included, so that importing hcpsdk costs next to nothing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from hcpsdk import bulk as bulk
    from hcpsdk import ips as ips
    from hcpsdk import listing as listing
    from hcpsdk import mapi as mapi
    from hcpsdk import namespace as namespace
    from hcpsdk import pathbuilder as pathbuilder
    from hcpsdk import s3 as s3
    from hcpsdk import transfer as transfer
    from hcpsdk._auth import *
    from hcpsdk._auth_hs3 import *
    from hcpsdk._connection import *
    from hcpsdk._constants import *
    from hcpsdk._errors import *
    from hcpsdk._request.unsigned import *
    from hcpsdk._request.url import *
    from hcpsdk._target import *

# The modules whose ``__all__`` is public here: a name is looked for in this order, so those that
# import little, and those that all programs need, come first.
_HOMES = (
    "_request.url",
    "_errors",
    "_constants",
    "_request.unsigned",
    "_auth",
    "_target",
    "_connection",
    "_auth_hs3",
)

logging.getLogger("hcpsdk").addHandler(logging.NullHandler())


def version() -> str:
    """The full version of the library, ``"0.9.1-1"``."""
    from hcpsdk._constants import VERSION

    return VERSION


def __getattr__(name: str) -> object:
    """Import a public name, once (PEP 562)."""
    from importlib import import_module

    if name == "__all__":
        return _public_names()
    try:
        for home in _HOMES:
            module = import_module(f"hcpsdk.{home}")
            if name in module.__all__:
                found = globals()[name] = getattr(module, name)
                return found
    except (AttributeError, ImportError) as exc:
        if "partially initialized" not in str(exc):
            raise
        from hcpsdk._errors import HcpsdkError

        # An AttributeError too, after which "from hcpsdk import" looks for a module.
        class NotYetImported(HcpsdkError, AttributeError):
            pass

        raise NotYetImported(
            f"hcpsdk.{name} is being imported by what this signal handler interrupted"
        ) from exc
    if name in _public_modules():
        return import_module(f"hcpsdk.{name}")
    raise AttributeError(f"module 'hcpsdk' has no attribute {name!r}")


def _public_modules() -> set[str]:
    from pkgutil import iter_modules

    return {name for _, name, _ in iter_modules(__path__) if name[0] != "_"} - {"testing"}


def _public_names() -> list[str]:
    from importlib import import_module

    names = {name for home in _HOMES for name in import_module(f"hcpsdk.{home}").__all__}
    return sorted(names | _public_modules() | {"version"})


def __dir__() -> list[str]:
    return _public_names()
