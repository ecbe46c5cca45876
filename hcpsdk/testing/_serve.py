"""The command ``serve``: an emulated HCP for other programs. Imports `_hcp` and what is below."""

import contextlib
import pathlib
import shlex
import signal
import threading
from collections.abc import Iterator

from ._hcp import HCP
from ._other_processes import export_lines
from ._server.listener import StartError
from ._server.node import Node
from .config import Namespace, User


def serve(hcp: HCP, ca_file: pathlib.Path | None, env_file: pathlib.Path | None) -> None:
    """Run *hcp* until Ctrl-C or SIGTERM, and print how to reach it.

    Args:
        hcp: The HCP, not started yet.
        ca_file: Where to write the CA certificate; the file is kept afterwards.
        env_file: Where to write the environment variables; the file is removed afterwards.
    """
    with ended_by_signal() as ended, hcp:
        if ca_file:
            write("the CA certificate", ca_file, hcp.ca_file.read_text())
        exports = export_lines(ca_file.absolute() if ca_file else hcp.ca_file)
        if env_file:
            write("the environment variables", env_file, "\n".join([*exports, ""]))
        print(description(hcp, ca_file or hcp.ca_file, exports), flush=True)
        ended.wait()
        if env_file:
            env_file.unlink(missing_ok=True)  # it leads to ports that are closed
    print(f"{hcp.domain} stopped.", flush=True)


def description(hcp: HCP, ca_file: pathlib.Path, exports: list[str]) -> str:
    """What other programs need to know about *hcp*, as text."""
    server = hcp.name_server
    lines = [f"{hcp.domain} is running.", "", "Namespaces:"]
    lines += [f"  {namespace.host(hcp.domain)}" for namespace in hcp.namespaces]
    lines += ["", "Nodes:", *(f"  {node_line(node)}" for node in hcp.nodes)]
    lines += ["", f"Name server: {server.address}, port {server.port} (UDP and TCP)"]
    lines += ["", "Users:", *(f"  {user_line(user)}" for user in hcp.users)]
    lines += ["", f"CA certificate: {ca_file}"]
    lines += ["", "For Python programs in another shell:", *(f"  {line}" for line in exports)]
    namespace, user = example(hcp)
    if namespace and user:
        host = namespace.host(hcp.domain)
        lines += ["", "Try:", f"  {curl_line(hcp.nodes[0], host, user, ca_file)}"]
    return "\n".join([*lines, "", "Press Ctrl-C to stop."])


def node_line(node: Node) -> str:
    """The address of a node, and the real port behind each of its ports."""
    ports = (
        str(port) if port == real else f"{port} -> {real}" for port, real in node.ports.items()
    )
    return f"{node.address}  {', '.join(ports)}"


def user_line(user: User) -> str:
    role = f"tenant {user.tenant}" if user.tenant else "system"
    return f"{user.name}  password {user.password}  ({role})  Authorization: HCP {user.token}"


def example(hcp: HCP) -> tuple[Namespace | None, User | None]:
    """A namespace and a user with access to it."""
    for namespace in hcp.namespaces:
        for user in hcp.users:
            if user.tenant == namespace.tenant:
                return namespace, user
    return None, None


def curl_line(node: Node, host: str, user: User, ca_file: pathlib.Path) -> str:
    """A shell command that lists the root of a namespace."""
    words = ["curl", "--cacert", str(ca_file)]
    words += ["--connect-to", f"{host}:443:{node.address}:{node.ports[443]}"]
    words += ["--header", f"Authorization: HCP {user.token}", f"https://{host}/rest"]
    return shlex.join(words)


def write(what: str, path: pathlib.Path, text: str) -> None:
    """Write *text* to the file at *path*; raises `StartError` if that fails."""
    try:
        path.write_text(text)
    except OSError as error:
        raise StartError(f"cannot write {what} to {path}: {error}") from error


@contextlib.contextmanager
def ended_by_signal() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets."""
    ended = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: ended.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
