import sys, statistics
from .server import running
from .rounds import *
from .peers import *
from .works import *
from . import counting
import argparse

p = argparse.ArgumentParser()
p.add_argument("--rounds", type=int, default=20)
p.add_argument("--peers", default=",".join(NAMES))
p.add_argument("--only", default=",".join(w.name for w in WORKS))
p.add_argument("--canned", action="store_true")
a = p.parse_args()
import os

for n in [
    n
    for n in os.environ
    if n.lower().endswith("_proxy")
    or n in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
]:
    del os.environ[n]
os.environ["PYTHONHASHSEED"] = "0"
if __name__ == "__main__":
    with running(16 * MIB, nginx=not a.canned) as site:
        if a.only == "instructions":
            for w in [WORKS[2], WORKS[0]]:
                base = None
                for peer in a.peers.split(","):
                    n = counting.instructions(peer, w, site)
                    base = base or n
                    print(
                        w.name,
                        peer,
                        round(n),
                        round(n / base, 3),
                        counting.system_calls(peer, w, site),
                        flush=True,
                    )
        else:
            with processes(a.peers.split(",")) as peers:
                for name in a.only.split(","):
                    costs = run(by_name(name), peers, site, a.rounds)
                    for peer, each in costs.items():
                        r = [x.cpu / b.cpu for x, b in zip(each, costs["bare"])]
                        wr = [x.wall / b.wall for x, b in zip(each, costs["bare"])]
                        q = statistics.quantiles(r, n=4)
                        print(
                            f"{name:16} {peer:10} cpu {q[1]:.2f} [{q[0]:.2f}-{q[2]:.2f}]  wall {statistics.median(wr):.2f}  {statistics.median(x.cpu for x in each) / by_name(name).count / 4 * 1e6:6.0f} us/request mem {max(x.memory for x in each) >> 10}K",
                            flush=True,
                        )
