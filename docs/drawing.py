"""The manual's pictures: graphs for Graphviz, with colours for light and for dark screens.

`regenerate.py` writes them to ``docs/pictures`` with the program ``dot``. The pictures are
committed, so that only who changes one needs it. Each has its source in a comment.
"""

import re
import subprocess
import textwrap

from hcpsdk._transport.state import MOVES, State

STYLE = """
.node path, .cluster path { fill: #fff; stroke: #8c96a1; }
.cluster path { fill: #eaf1f8; stroke: #7f9db9; }
.main path { fill: #dbeafa; stroke: #2f77b5; }
.edge path, .edge polygon { stroke: #57606a; }
.edge polygon { fill: #57606a; }
.failure path { stroke: #b3402f; stroke-dasharray: 5 4; }
.failure polygon { fill: #b3402f; stroke: #b3402f; }
text { font: 14px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f; }
.failure text { fill: #9c3323; }
.card { fill: #f6f8fa; }
@media (prefers-color-scheme: dark) {
.node path { fill: #232b34; stroke: #6d7884; }
.cluster path { fill: #1d2a37; stroke: #54708b; }
.main path { fill: #1d3f5e; stroke: #5aa2dd; }
.edge path, .edge polygon { stroke: #a3adb8; }
.edge polygon { fill: #a3adb8; }
.failure path { stroke: #e58a7b; }
.failure polygon { fill: #e58a7b; stroke: #e58a7b; }
text { fill: #dce1e6; }
.failure text { fill: #eb9a8c; }
.card { fill: #1a2027; }
}
"""
HEAD = """\
graph [bgcolor=transparent pad=0.2 ranksep=0.4 nodesep=0.3 fontname=Helvetica style=rounded]
node [shape=box style=rounded fontname=Helvetica fontsize=14 margin="0.16,0.1"]
edge [fontname=Helvetica fontsize=14 arrowsize=0.8]
"""

ENVIRONMENT = """
node [class=main] app1 [label="Application\\nwith hcpsdk"] app2 [label="Application\\nwith hcpsdk"]
node [class=box]
{rank=same app1 app2 DNS}
app2 -> DNS [dir=both label="addresses of\\nn1.m.hcp1.local?"]
subgraph cluster_hcp { label="HCP: each node serves each request" labelloc=b labeljust=l
  node1 [label="Node 1"] node2 [label="Node 2"] node3 [label="Node 3"] node4 [label="Node 4"]
  subgraph cluster_m { label="Tenant m" n1 [label="n1\\nnamespace"] n2 [label="n2\\nnamespace"] }
  subgraph cluster_f { label="Tenant f" archive [label="archive\\nnamespace"] }
  node1 -> n1 [style=invis] node2 -> n2 [style=invis] node3 -> archive [style=invis]
}
app1 -> {node1 node2} app2 -> node3 app2 -> node4 [label="HTTPS"]
subgraph cluster_replica { label="Replica: another HCP, same tenants, another domain"
  labelloc=b labeljust=l
  other1 [label="Node 1"] other2 [label="Node 2"] other3 [label="Node 3"] other4 [label="Node 4"]
}
n1 -> other1 [style=invis] archive -> other4 [style=invis]
n2 -> other2 [dir=both label="replication link" minlen=2]
"""

REQUEST = """
program [label="Your program"]
connection [label="Connection\\nencodes the name, measures the body" class=main]
target [label="Target\\nname, credentials,\\nTLS settings" class=main]
circle [label="Circle\\naddresses in turn,\\nlooked up when due" class=main]
socket [label="one socket: kept from the last request,\\nor new: TCP and TLS handshake" class=main]
hcp [label="A node of HCP\\nstores the object: 201 Created"]
program -> connection [label="PUT(\\"/rest/a b\\", body=file)"]
connection -> target [label="headers"] connection -> circle [label="next address"]
target -> socket circle -> socket
socket -> hcp [label="head and body of the request"]
socket -> connection [class=failure label="failed: retried\\nif that is safe"]
hcp -> program [label="response"]
"""

FAILOVER = """
node [class=main]
serving [label="SERVING\\nrequests go to the primary"]
over [label="FAILED OVER\\nallowed requests go to the replica"]
probe [label="PROBE\\none request goes to the primary,\\nthe others go to the replica"]
start [label="Target()" class="node"]
start -> serving
start -> over [class=failure label="only the replica's\\nname resolves"]
serving -> over [class=failure label="a request failed, all nodes\\nand retries used up"]
over -> probe [class="edge" label="after 30 seconds"]
probe -> over [class=failure label="failed"]
probe -> serving [class="edge" label="any response"]
over -> serving [class="edge" label="a response to a request\\nthat may not go to the replica"]
"""


def states() -> str:
    """The states of a Connection and its moves, as the code has them."""
    lines = []
    for state in State:
        text = "\n".join([state.name, *textwrap.wrap(state.value, 25)])
        lines.append(f"{state.name} [class=main label={quoted(text)}]")
    for old, moves in MOVES.items():
        for new, why in moves.items():
            kind = "failure" if "failed" in why else "move"
            label = quoted("\n".join(textwrap.wrap(why, 18)))
            lines.append(f"{old.name} -> {new.name} [class={kind} label={label}]")
    return "\n".join(lines)


def quoted(text: str) -> str:
    return '" ' + text.replace("\n", " \\n ") + ' "'


def source(name: str) -> str:
    """The picture *name* as a comment of its SVG has it."""
    graphs = {"environment": ENVIRONMENT, "failover": FAILOVER, "request": REQUEST}
    graph = states() if name == "states" else graphs[name]
    return f"digraph {{\n{HEAD}{graph.strip()}\n}}"


def svg(name: str) -> str:
    """The picture *name*; runs ``dot``."""
    graph = source(name)
    done = subprocess.run(["dot", "-Tsvg"], input=graph, stdout=-1, text=True, check=True)
    start, body = done.stdout[done.stdout.index("<svg") :].split(">", 1)
    start = re.sub(r'(?<=\d)pt"', '"', start)  # pixels
    card = '<rect class="card" width="100%" height="100%" rx="10"/>'
    return f"{start}><style>{STYLE}</style>\n{card}\n<!-- {graph} -->{body}"


PICTURES = ("environment", "failover", "request", "states")
