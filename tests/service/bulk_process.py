"""A program that stores files in bulk, for tests that end it in the middle; and its Target.

``python3 bulk_process.py SERVER DNS_PORT PORT FOLDER JOURNAL`` prints each result as one line.
Other processes than that of the tests reach the emulated HCP over plain http on its real port, and
ask its name server: both are what any program can do.
"""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.resolver

import hcpsdk
from hcpsdk import bulk
from hcpsdk.testing import HCP

FQDN = "n1.m.bulk.local"


def make_target(server: str, dns_port: int, port: int) -> hcpsdk.Target:
    """The Target, also in a process that knows nothing of the emulated HCP yet."""
    if dns.resolver.default_resolver is None:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [server], dns_port
        dns.resolver.default_resolver = resolver
    return hcpsdk.Target(FQDN, hcpsdk.NativeAuthorization("n", "n01"), port=port)


def factory(hcp: HCP) -> functools.partial[hcpsdk.Target]:
    """A function that makes the Target in any process, and can be sent there."""
    server = hcp.name_server
    return functools.partial(make_target, server.address, server.port, hcp.nodes[0].ports[80])


def jobs(folder: Path) -> Iterator[tuple[Path, str]]:
    """One for each file in *folder*."""
    for path in sorted(folder.iterdir()):
        yield path, f"/rest/bulk/{path.name}"


def main(server: str, dns_port: str, port: str, folder: str, journal: str) -> None:
    target = make_target(server, int(dns_port), int(port))
    for result in bulk.store(target, jobs(Path(folder)), workers=4, journal=journal):
        print(result.status, Path(result.path).name, result.error or "", flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        sys.exit(130)
