"""Report what each tenant and its namespaces stored, received and sent, as a table and as a plot.

Try it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/chargeback_report.py --granularity day --plot report.svg

Ends with status 0 if there is a report of each tenant, 1 if something failed, 2 for wrong
arguments, 130 after Ctrl-C.
"""

import argparse
import csv
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import hcp_options

import hcpsdk
from hcpsdk.mapi import Chargeback, ChargebackError, listtenants

# What is shown, and how wide it is.
FIGURES = {
    "objectCount": 12,
    "storageCapacityUsed": 20,
    "bytesIn": 15,
    "bytesOut": 15,
    "reads": 8,
    "writes": 8,
    "deletes": 8,
}


def parse(arguments):
    parser = argparse.ArgumentParser(description="Report what tenants stored, received and sent.")
    hcp_options.add_system_to(parser)
    parser.add_argument("--tenant", action="append", help="repeatable; default: all tenants")
    parser.add_argument("--days", type=int, default=30, help="up to 180; default: %(default)s")
    parser.add_argument("--granularity", choices=Chargeback.CBG_ALL, default=Chargeback.CBG_TOTAL)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw it; needs matplotlib")
    options = parser.parse_args(arguments)
    if not 1 <= options.days <= 180:
        parser.error("--days must be from 1 to 180")
    if options.plot and options.granularity == Chargeback.CBG_TOTAL:
        parser.error("--plot needs --granularity day or hour")
    return options


def tenants(target):
    """The names of all tenants that HCP reports about."""
    return [tenant.name for tenant in listtenants(target) if tenant.name != "Default"]


def report(chargeback, tenant, options):
    """The records of a tenant, while they are read."""
    start = datetime.now() - timedelta(days=options.days)
    with chargeback.request(
        tenant, start=start, granularity=options.granularity, fmt=chargeback.CBM_CSV
    ) as file:
        for record in csv.DictReader(file):
            yield {
                "tenant": tenant,
                "namespace": record["namespaceName"] or None,  # None: the sum
                "start": record["startTime"],
                "end": record["endTime"],
                **{name: int(record[name]) for name in FIGURES},
            }


def show(tenant, records):
    """Print a table."""
    titles = "".join(f"{name:>{width}}" for name, width in FIGURES.items())
    print(f"{tenant}:\n  {'from':<24} {'namespace':<10}{titles}")
    for each in records:
        figures = "".join(f"{each[name]:>{width},}" for name, width in FIGURES.items())
        print(f"  {each['start']:<24} {each['namespace'] or '(all)':<10}{figures}")


def plot(records, file):
    """Draw what each tenant used, received and sent over time."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = ("storageCapacityUsed", "bytesIn", "bytesOut")
    figure, axes = pyplot.subplots(len(names), 1, sharex=True, figsize=(8, 7))
    sums = [each for each in records if each["namespace"] is None]
    for name, axis in zip(names, axes, strict=True):
        for tenant in sorted({each["tenant"] for each in sums}):
            mine = [each for each in sums if each["tenant"] == tenant]
            times = [datetime.strptime(each["start"], "%Y-%m-%dT%H:%M:%S%z") for each in mine]
            axis.plot(times, [each[name] for each in mine], "o-", markersize=3, label=tenant)
        axis.set_ylabel(name)
    if sums:
        axes[0].legend(fontsize="small")
    figure.autofmt_xdate()
    figure.tight_layout()
    figure.savefig(file)


def main(arguments=None):
    options = parse(arguments)
    found, failed = [], {}
    try:
        target = hcp_options.make_target(options)
        with Chargeback(target) as chargeback:
            for tenant in options.tenant or tenants(target):
                try:
                    records = list(report(chargeback, tenant, options))
                except ChargebackError as e:  # 403: the user may not read it
                    failed[tenant] = str(e)
                    print(f"{tenant}: {e}", file=sys.stderr)
                    continue
                found += records
                if not options.json:
                    show(tenant, records)
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"no report on {options.fqdn} - {hcp_options.explained(e)}")
    if options.json:
        print(json.dumps({"records": found, "failed": failed}, indent=2))
    if options.plot:
        try:
            plot(found, options.plot)
        except OSError as e:
            sys.exit(f"cannot draw {options.plot} - {e}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
