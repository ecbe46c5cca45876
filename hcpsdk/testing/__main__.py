"""The command line: ``python3 -m hcpsdk.testing run SCRIPT`` and ``… serve``."""

import argparse
import pathlib
import sys

from ._hcp import DEFAULT, HCP
from ._other_processes import CA_FILE_VARIABLE
from ._run import run
from ._serve import serve
from ._server.certificates import CERTIFICATE_KINDS
from ._server.listener import StartError


def main(arguments: list[str]) -> None:
    command_line = parser()
    options = command_line.parse_args(arguments)
    try:
        hcp = HCP(
            options.domain,
            nodes=options.nodes,
            certificate=options.certificate,
            idle_seconds=options.idle_seconds,
            missing_credentials_status=options.missing_credentials_status,
            wants_public_ports=options.command == "serve",
        )
    except ValueError as error:
        command_line.error(str(error))
    try:
        if options.command == "run":
            other = HCP(other_domain(options.domain)) if options.linked else None
            run(hcp, options.script, options.arguments, other)
        else:
            serve(hcp, options.ca_file, options.env_file)
    except StartError as error:
        sys.exit(f"hcpsdk.testing: {error}")


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python3 -m hcpsdk.testing", description="An emulated HCP on this machine."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run_command = commands.add_parser(
        "run",
        help="run an unchanged script with an emulated HCP",
        description="Runs SCRIPT as python3 would; names and ports of the emulated HCP work "
        f"inside. The environment variable {CA_FILE_VARIABLE} contains the path of its CA "
        "certificate.",
    )
    serve_command = commands.add_parser(
        "serve",
        help="run an emulated HCP for other programs, until Ctrl-C",
        description="Runs an emulated HCP for other programs on this machine: curl, browsers, any "
        "language. Python programs that use hcpsdk need nothing but the environment variables "
        "that it prints.",
    )
    for command in (run_command, serve_command):
        add_options(command)
    serve_command.add_argument(
        "--ca-file", type=pathlib.Path, metavar="PATH", help="write the CA certificate to this file"
    )
    serve_command.add_argument(
        "--env-file",
        type=pathlib.Path,
        metavar="PATH",
        help="write the environment variables to this file, for the shell command: . PATH",
    )
    run_command.add_argument(
        "--linked",
        action="store_true",
        help="also run a second HCP, hcp2, with an active/active link to the first one",
    )
    run_command.add_argument("script", metavar="SCRIPT", help="the script to run")
    run_command.add_argument(
        "arguments", metavar="ARGS", nargs=argparse.REMAINDER, help="arguments of the script"
    )
    return top


def other_domain(domain: str) -> str:
    """The domain of a second HCP: hcp2.snomis.local if the first is hcp1.snomis.local."""
    first, dot, rest = domain.partition(".")
    return f"{'hcp1' if first.lower() == 'hcp2' else 'hcp2'}{dot}{rest}"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of both commands."""
    command.add_argument("--domain", default=DEFAULT.domain, help="default: %(default)s")
    command.add_argument(
        "--nodes", type=int, default=4, help="number of nodes; default: %(default)s"
    )
    command.add_argument(
        "--certificate",
        choices=CERTIFICATE_KINDS,
        default="both",
        help="what the certificate of the nodes is valid for; default: %(default)s",
    )
    command.add_argument(
        "--idle-seconds",
        type=float,
        default=60.0,
        help="seconds after which an idle connection is closed; default: %(default)s",
    )
    command.add_argument(
        "--missing-credentials-status",
        type=int,
        choices=(403, 302),
        default=403,
        help="status for requests without credentials; default: %(default)s",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
