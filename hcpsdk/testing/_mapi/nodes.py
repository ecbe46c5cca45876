"""Statistics of the nodes. Imports `call`. docs/hcp/mapi.rst, section 7.

Connections and bytes are counted; load, disks and the other networks have made-up figures.
"""

from __future__ import annotations

from .call import Document, MapiCall, NodeView, Resource
from .documents import Record
from .settings import READ

MAX_HTTP, MAX_HTTPS = 255, 254
VOLUME_BYTES, INODES = 1_000_000_000_000, 60_000_000


def get_nodes(call: MapiCall) -> Document:
    """What each node does."""
    call.needs(*READ)
    now = int(call.emulated.now() * 1000)
    nodes = [_described(call, node, now) for node in call.emulated.nodes()]
    return Document("nodeStatistics", {"requestTime": now, "nodes": {"node": nodes}})


def _described(call: MapiCall, node: NodeView, now: int) -> Record:
    served = [
        access for access in call.emulated.access_log.entries() if access.node == node.address
    ]
    used = sum(store.used_bytes for store in call.namespaces.stores.values())
    return {
        "nodeNumber": int(node.address.rpartition(".")[2]),
        "frontendIpAddresses": {"ipAddress": [node.address]},
        "backendIpAddress": node.address,
        "managementIpAddresses": {"ipAddress": [node.address]},
        "openHttpConnections": node.connections_at(80),
        "openHttpsConnections": node.connections_at(443) + node.connections_at(9090),
        "maxHttpConnections": MAX_HTTP,
        "maxHttpsConnections": MAX_HTTPS,
        "cpuUser": 1.5,
        "cpuSystem": 0.75,
        "cpuMax": 8,
        "ioWait": 0.0,
        "swapOut": 0.0,
        "maxFrontEndBandwidth": 1_000_000_000,
        "frontEndBytesRead": sum(access.bytes_in for access in served),
        "frontEndBytesWritten": sum(access.bytes_out for access in served),
        "maxBackEndBandwidth": 1_000_000_000,
        "backEndBytesRead": 0,
        "backEndBytesWritten": 0,
        "maxManagementPortBandwidth": 1_000_000_000,
        "managementBytesRead": 0,
        "managementBytesWritten": 0,
        "collectionTimestamp": now,
        "volumes": {
            "volume": [
                {
                    "id": "example0",
                    "blocksRead": 0,
                    "blocksWritten": 0,
                    "diskUtilization": 0.0,
                    "transferSpeed": 0.0,
                    "totalBytes": VOLUME_BYTES,
                    "freeBytes": max(0, VOLUME_BYTES - used),
                    "totalInodes": INODES,
                    "freeInodes": INODES,
                }
            ]
        },
    }


RESOURCES = {"nodes/statistics": Resource({"GET": get_nodes})}
