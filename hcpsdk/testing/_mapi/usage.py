"""Statistics and chargeback reports of tenants and namespaces. Imports `settings`.

docs/hcp/mapi.rst, section 6.4. All figures come from the counts of the stores: what is stored, and
what clients did.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .._dates import HCP_ZONE, iso
from .._http.errors import HTTPError
from .._store.counts import HOUR, Counts, Hour, Level
from ..config import DEFAULT_TENANT, Namespace
from .call import Document, MapiCall, Raw, Resource
from .documents import Record
from .settings import READ

CSV = "text/csv"
DAY = 24  # hours
KEPT = timedelta(days=180)
GRANULARITIES = ("hour", "day", "total")

# Nothing here is uploaded in parts, nor moved to other storage.
PARTS = (
    *("multipartObjects", "multipartObjectParts", "multipartObjectBytes"),
    *("multipartUploads", "multipartUploadParts", "multipartUploadBytes"),
)
TIERS = ("tieredObjects", "tieredBytes", "metadataOnlyObjects", "metadataOnlyBytes")


# Statistics


def get_namespace_statistics(call: MapiCall) -> Document:
    """What a namespace contains."""
    namespace = call.in_namespace(*READ, owners=True)
    return _statistics([call.namespaces.store(namespace).counts.level])


def get_tenant_statistics(call: MapiCall) -> Document:
    """What all namespaces of a tenant contain."""
    tenant = call.in_tenant(*READ, is_shared=True)
    if tenant == DEFAULT_TENANT:
        return _statistics([call.namespaces.default.counts.level])
    namespaces = call.namespaces.of_tenant(tenant)
    return _statistics([call.namespaces.store(each).counts.level for each in namespaces])


def _statistics(levels: Sequence[Level]) -> Document:
    used = sum(level.bytes for level in levels)
    record = {
        "customMetadataCount": sum(level.annotated for level in levels),
        "customMetadataSize": sum(level.annotation_bytes for level in levels),
        "ingestedVolume": used,
        "objectCount": sum(level.objects for level in levels),
        "shredCount": 0,  # objects are deleted at once
        "shredSize": 0,
        "storageCapacityUsed": used,
    }
    return Document("statistics", record)


# Chargeback


@dataclass(frozen=True)
class Interval:
    """The hours from *first* to *last*, since the epoch."""

    first: int
    last: int

    @property
    def start(self) -> str:
        return iso(self.first * HOUR)

    @property
    def end(self) -> str:
        return iso((self.last + 1) * HOUR - 1)


def get_tenant_report(call: MapiCall) -> Document | Raw:
    """Records of the namespaces of a tenant, and of their sums."""
    tenant = call.in_tenant(*READ, is_shared=True)
    if tenant == DEFAULT_TENANT:
        raise HTTPError(403, "there is no chargeback report of the tenant Default")
    present = [
        (each, call.namespaces.store(each).counts) for each in call.namespaces.of_tenant(tenant)
    ]
    removed = [counts for name, counts in call.namespaces.removed if name.lower() == tenant.lower()]
    everything = [*(counts for _, counts in present), *removed]
    records = []
    if call.user.tenant is not None or call.may_administer(tenant):
        for namespace, counts in present:
            records += [
                _record(call, tenant, namespace, interval, [counts], "false")
                for interval in _intervals(call, [counts])
            ]
    for interval in _intervals(call, everything):
        was_used = any(counts.began <= interval.last for counts in removed)
        deleted = "included" if was_used else "false"
        records.append(_record(call, tenant, None, interval, everything, deleted))
    return _report(call, records)


def get_namespace_report(call: MapiCall) -> Document | Raw:
    """Records of one namespace."""
    namespace = call.in_namespace(*READ, owners=True)
    counts = call.namespaces.store(namespace).counts
    records = [
        _record(call, namespace.tenant, namespace, interval, [counts], "false")
        for interval in _intervals(call, [counts])
    ]
    return _report(call, records)


def _report(call: MapiCall, records: list[Record]) -> Document | Raw:
    if call.accept != CSV:
        return Document("chargebackReport", {"chargebackData": records})
    table = io.StringIO()
    writer = csv.DictWriter(table, _columns(call), restval="", lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({**record, "valid": "true"})
    return Raw(CSV, table.getvalue().encode())


def _columns(call: MapiCall) -> list[str]:
    return [
        *("systemName", "tenantName", "namespaceName", "startTime", "endTime"),
        *("objectCount", "ingestedVolume", "storageCapacityUsed", "bytesIn", "bytesOut"),
        *("reads", "writes", "deletes"),
        *(TIERS if call.system.reports_tiering else PARTS),
        *("deleted", "valid"),
    ]


def _record(
    call: MapiCall,
    tenant: str,
    namespace: Namespace | None,
    interval: Interval,
    counts: Sequence[Counts],
    deleted: str,
) -> Record:
    """What happened to the stores with *counts* in *interval*."""
    hours = [each.between(interval.first, interval.last) for each in counts]
    record: Record = {"systemName": call.system.domain, "tenantName": tenant}
    if namespace is not None:
        record["namespaceName"] = namespace.name
    record |= {"startTime": interval.start, "endTime": interval.end, **_sum(hours)}
    record |= dict.fromkeys(TIERS if call.system.reports_tiering else PARTS, 0)
    return {**record, "deleted": deleted, "valid": True}


def _sum(hours: Sequence[Hour]) -> Record:
    used = sum(hour.level.bytes for hour in hours)
    return {
        "objectCount": sum(hour.level.objects for hour in hours),
        "ingestedVolume": used,
        "storageCapacityUsed": used,
        "bytesIn": sum(hour.bytes_in for hour in hours),
        "bytesOut": sum(hour.bytes_out for hour in hours),
        "reads": sum(hour.reads for hour in hours),
        "writes": sum(hour.writes for hour in hours),
        "deletes": sum(hour.deletes for hour in hours),
    }


def _intervals(call: MapiCall, counts: Sequence[Counts]) -> Iterator[Interval]:
    """The requested intervals; hours and days only from the first statistics on."""
    granularity = call.parameters.get("granularity", "total").lower()
    if granularity not in GRANULARITIES:
        raise HTTPError(400, f"bad value for granularity: {granularity}")
    now = call.emulated.now()
    began = min((each.began for each in counts), default=int(now) // HOUR)
    began = max(began, int(now - KEPT.total_seconds()) // HOUR)
    start = _time(call, "start", began * HOUR)
    end = _time(call, "end", int(now))
    if start >= end:
        raise HTTPError(400, "start must be before end")
    first, last = int(start // HOUR), int(end // HOUR)
    if granularity == "total":
        yield Interval(first, last)
        return
    last = min(last, int(now) // HOUR)
    first = max(first, began)
    if granularity == "hour":
        yield from (Interval(hour, hour) for hour in range(first, last + 1))
        return
    for day in range(_day(first), _day(last) + 1):
        midnight = day * DAY - _OFFSET
        yield Interval(midnight, midnight + DAY - 1)


# Hours that HCP's days begin before those of UTC.
_OFFSET = (HCP_ZONE.utcoffset(None) or timedelta()) // timedelta(hours=1)


def _day(hour: int) -> int:
    """The day in HCP's time zone, since the epoch, to which *hour* belongs."""
    return (hour + _OFFSET) // DAY


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d{4})", re.ASCII)


def _time(call: MapiCall, name: str, default: float) -> float:
    """The time in a parameter, in seconds since the epoch."""
    value = call.parameters.get(name)
    if value is None:
        return default
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except (ValueError, OverflowError) as error:
        raise HTTPError(400, f"bad value for {name}: {value}") from error


RESOURCES = {
    "tenants/{}/statistics": Resource({"GET": get_tenant_statistics}),
    "tenants/{}/chargebackReport": Resource({"GET": get_tenant_report}, (CSV,)),
    "tenants/{}/namespaces/{}/statistics": Resource({"GET": get_namespace_statistics}),
    "tenants/{}/namespaces/{}/chargebackReport": Resource({"GET": get_namespace_report}, (CSV,)),
}
