"""Watch a replica take over: write and read in a loop while the primary fails and comes back.

To run it with two linked emulated HCPs::

    python3 -m hcpsdk.testing run --linked samples/replica_failover.py

It stops the nodes of the primary and starts them again. It takes about 40 seconds, because a
primary that failed is tried again every 30 seconds.

For your own HCPs, change the constants and run it with python3. Then nothing is stopped; it
prints which system serves the requests until you press Ctrl-C.
"""

import itertools
import logging
import sys
import time

import hcpsdk

# Change these for your own HCPs. They must have an active/active link.
P_FQDN = "n1.m.hcp1.snomis.local"
P_REPLICA = "n1.m.hcp2.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
P_STRATEGY = hcpsdk.RS_READ_ALLOWED | hcpsdk.RS_WRITE_ALLOWED
P_FOLDER = "/rest/hcpsdk/failover"
# Seconds between two rounds.
P_INTERVAL = 0.5
# The emulated primary is stopped before the one round, and started before the other one.
P_STOP, P_START = 3, 6


def store_and_read(connection):
    """Store an object, read and delete it; return which systems served these requests."""
    url = f"{P_FOLDER}/{time.time_ns()}"
    served_by = []
    for method, status, body in (("PUT", 201, "abc"), ("GET", 200, None), ("DELETE", 200, None)):
        connection.request(method, url, body=body)
        connection.raise_for_status(status)
        connection.read()
        served_by.append(f"{method}: {connection.served_by.fqdn}")
    return ", ".join(served_by)


def emulated_primary():
    """Return the emulated HCP that is the primary; None if the HCPs are real."""
    if "hcpsdk.testing" not in sys.modules:
        return None
    return next(hcp for hcp in hcpsdk.testing.running() if P_FQDN.endswith(hcp.domain))


def disturb(primary, number):
    """Stop the primary or start it, if it is its turn."""
    if number == P_STOP:
        print("-- the primary is stopped")
        for node in primary.nodes:
            node.stop()
    elif number == P_START:
        print("-- the primary is started")
        for node in primary.nodes:
            node.start()


def watch(target, primary):
    """Print who serves, when that changes; with an emulated primary, until it is back."""
    before = None
    with hcpsdk.Connection(target, timeout=10, retries=1) as connection:
        for number in itertools.count():
            if primary:
                disturb(primary, number)
            now = store_and_read(connection)
            if now != before:
                print(now)
                before = now
            if primary and number > P_START and connection.served_by is target:
                return
            time.sleep(P_INTERVAL)


def main():
    # Shows the messages at the beginning and at the end of a failover.
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
    auth = hcpsdk.NativeAuthorization(P_USER, P_PASS)
    try:
        target = hcpsdk.Target(
            P_FQDN, auth, port=P_PORT, replica_fqdn=P_REPLICA, replica_strategy=P_STRATEGY
        )
        watch(target, emulated_primary())
    except KeyboardInterrupt:
        print("stopped")
    except (hcpsdk.ips.IpsError, hcpsdk.HcpsdkCantConnectError) as e:
        start = f"python3 -m hcpsdk.testing run --linked {sys.argv[0]}"
        sys.exit(f"failed - {e} (no HCP? try an emulated one: {start})")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")


if __name__ == "__main__":
    main()
