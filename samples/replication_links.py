"""List the replication links of an HCP, show their details, suspend and resume one.

To run it with two linked emulated HCPs::

    python3 -m hcpsdk.testing run --linked samples/replication_links.py [--watch]

With --watch it then prints status and backlog until you press Ctrl-C.

For your own HCP, change the constants and run it with python3. Note that it
suspends a link for a moment.
"""

import argparse
import sys
import time
from pprint import pprint

import hcpsdk
from hcpsdk.mapi import Replication

# Change these for your own HCP. The user must be a system-level user.
P_FQDN = "admin.hcp1.snomis.local"
P_USER = "service"
P_PASS = "service01"
P_PORT = 9090
# Seconds between two status lines, with --watch.
P_INTERVAL = 2


def show_status(replication, link):
    """Print the status and the backlog of a link in one line."""
    details = replication.getlinkdetails(link)
    statistics = details["statistics"]
    print(
        f"{link}: {details['status']}, {details['statusMessage']}, "
        f"{statistics['objectsPending']} objects ({statistics['bytesPending']} bytes) pending, "
        f"up to date as of {statistics['upToDateAsOfString']}",
        flush=True,
    )


def suspend_and_resume(replication, link):
    replication.setreplicationlinkstate(link, Replication.R_SUSPEND)
    show_status(replication, link)
    replication.setreplicationlinkstate(link, Replication.R_RESUME)
    show_status(replication, link)


def watch(replication, links):
    print("watching, press Ctrl-C to stop")
    while True:
        for link in links:
            show_status(replication, link)
        time.sleep(P_INTERVAL)


def main():
    parser = argparse.ArgumentParser(description="List links, suspend and resume one.")
    parser.add_argument("--watch", action="store_true", help="then print the status until Ctrl-C")
    options = parser.parse_args()
    auth = hcpsdk.NativeAuthorization(P_USER, P_PASS)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT)
        with Replication(target) as replication:
            links = replication.getlinklist()
            if not links:
                sys.exit(f"{P_FQDN} has no replication links")
            for link in links:
                pprint(replication.getlinkdetails(link))
            suspend_and_resume(replication, links[0])
            if options.watch:
                watch(replication, links)
    except KeyboardInterrupt:
        print("stopped")
    except (hcpsdk.ips.IpsError, hcpsdk.HcpsdkCantConnectError) as e:
        start = f"python3 -m hcpsdk.testing run --linked {sys.argv[0]}"
        sys.exit(f"failed - {e} (no HCP? try an emulated one: {start})")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"failed - {e}")


if __name__ == "__main__":
    main()
