"""Show how much of their quotas tenants and namespaces use, and how full the disks are.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/capacity.py

Ends with status 0 if everything is below its limit, 1 if HCP could not be asked, 2 for wrong
arguments, 3 if a tenant or a namespace has reached its soft quota, or a disk the limit for disks;
130 after Ctrl-C.
"""

import argparse
import json
import sys
from urllib.parse import quote

import hcp_options

import hcpsdk
from hcpsdk.mapi import Resource

UNITS = {"MB": 1024**2, "GB": 1024**3, "TB": 1024**4}


def parse(arguments):
    parser = argparse.ArgumentParser(description="Show how much of their quotas tenants use.")
    hcp_options.add_system_to(parser)
    parser.add_argument(
        "--disk-limit", type=int, default=80, metavar="PERCENT", help="default: %(default)s"
    )
    return parser.parse_args(arguments)


def get(target, *names):
    """The properties of a resource; None if there is none, or the user may not read it."""
    path = hcpsdk.Quoted("/".join(["/mapi", *(quote(name, safe="") for name in names)]))
    try:
        with Resource(target, path) as resource:
            return resource.get()
    except hcpsdk.HcpsdkStatusError as e:
        if e.status in (403, 404):
            return None
        raise


def in_bytes(quota):
    """HCP's ``"50.00 GB"`` as a number; None if there is no quota."""
    number, _, unit = (quota or "").partition(" ")
    return int(float(number) * UNITS[unit]) if unit in UNITS else None


def row(name, settings, statistics):
    """What is known about a tenant or a namespace."""
    settings, statistics = settings or {}, statistics or {}
    quota, used = in_bytes(settings.get("hardQuota")), statistics.get("storageCapacityUsed")
    percent = 100 * used / quota if quota and used is not None else None
    return {
        "name": name,
        "objects": statistics.get("objectCount"),
        "bytes": used,
        "quota": quota,
        "percent": percent,
        "full": percent is not None and percent >= settings.get("softQuota", 100),
    }


def rows(target):
    """A row for each tenant, followed by those of its namespaces that the user may see."""
    with Resource(target, "/mapi/tenants") as tenants:
        for tenant in tenants.list():
            settings = get(target, "tenants", tenant)
            yield row(tenant, settings, get(target, "tenants", tenant, "statistics"))
            if not (settings or {}).get("administrationAllowed"):
                continue
            path = hcpsdk.Quoted(f"/mapi/tenants/{quote(tenant, safe='')}/namespaces")
            with Resource(target, path) as namespaces:
                for name in namespaces.list():
                    place = ("tenants", tenant, "namespaces", name)
                    statistics = get(target, *place, "statistics")
                    yield row(f"{tenant}/{name}", get(target, *place), statistics)


def disks(target):
    """For each disk of the nodes, how many percent are used; empty before release 8.1."""
    found = get(target, "nodes", "statistics") or {"nodes": {"node": []}}
    return {
        f"{node['nodeNumber']} {disk['id']}": 100 * (1 - disk["freeBytes"] / disk["totalBytes"])
        for node in found["nodes"]["node"]
        for disk in node["volumes"]["volume"]
    }


def figure(value, unit=""):
    if value is None:
        return "-"
    return f"{value:.1f} {unit}" if isinstance(value, float) else f"{value:,}"


def show(found, used):
    print(f"{'tenant/namespace':<20} {'objects':>12} {'bytes':>20} {'quota':>20} {'used':>8}")
    for each in found:
        figures = f"{figure(each['objects']):>12} {figure(each['bytes']):>20}"
        quota = f"{figure(each['quota']):>20} {figure(each['percent'], '%'):>8}"
        print(f"{each['name']:<20} {figures} {quota}{'  FULL' if each['full'] else ''}")
    if used:
        print(f"{len(used)} disks; the fullest one is used by {max(used.values()):.1f} %")


def main(arguments=None):
    options = parse(arguments)
    try:
        target = hcp_options.make_target(options)
        found, used = list(rows(target)), disks(target)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"no capacity of {options.fqdn} - {hcp_options.explained(e)}")
    if options.json:
        print(json.dumps({"tenants": found, "disks": used}, indent=2))
    else:
        show(found, used)
    is_full = any(each["full"] for each in found)
    return 3 if is_full or any(part >= options.disk_limit for part in used.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
