"""Print the settings, statistics, retention classes and permissions of a namespace.

To run it with the emulated HCP::

    python3 -m hcpsdk.testing run samples/namespace_report.py

For your own HCP, change the constants and run it with python3.
"""

import sys

import hcpsdk

# Change these for your own HCP.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443


def main():
    auth = hcpsdk.NativeAuthorization(P_USER, P_PASS)
    try:
        target = hcpsdk.Target(P_FQDN, auth, port=P_PORT)
        with hcpsdk.namespace.Info(target) as info:
            show_settings(info.listaccessiblens(all=True))
            show_statistics(info.nsstatistics())
            show_retention_classes(info.listretentionclasses())
            show_permissions(info.listpermissions())
    except (hcpsdk.ips.IpsError, hcpsdk.HcpsdkCantConnectError) as e:
        start = f"python3 -m hcpsdk.testing run {sys.argv[0]}"
        sys.exit(f"no report on {P_FQDN} - {e} (no HCP? try an emulated one: {start})")
    except hcpsdk.HcpsdkError as e:
        sys.exit(f"no report on {P_FQDN} - {e}")


def show_settings(namespaces):
    print("Namespaces that", P_USER, "can access")
    for name, settings in namespaces.items():
        print(f"  {name}: {', '.join(settings['description'])}")
        print(f"    hash {settings['hashScheme']}, {settings['dpl']} copies,", end=" ")
        print(f"{settings['retentionMode']} mode")
    print()


def show_statistics(statistics):
    used, total = statistics["usedCapacityBytes"], statistics["totalCapacityBytes"]
    print(f"Statistics of {statistics['namespaceName']}")
    print(f"  objects:       {statistics['objectCount']:>16,}")
    print(f"  annotated:     {statistics['customMetadataObjectCount']:>16,}")
    print(f"  bytes used:    {used:>16,}")
    print(f"  bytes total:   {total:>16,}  ({used / total:.1%} used,", end=" ")
    print(f"warning at {statistics['softQuotaPercent']}%)")
    print()


def show_retention_classes(classes):
    print("Retention classes")
    for name, settings in classes.items():
        print(f"  {name:<20} {settings['value']!s:<6} {settings['description']}")
    print()


def show_permissions(permissions):
    print("Effective permissions")
    for whose in ("namespaceEffectivePermissions", "userEffectivePermissions"):
        granted = [name for name, is_granted in permissions[whose].items() if is_granted]
        print(f"  {whose.removesuffix('EffectivePermissions'):<10} {', '.join(sorted(granted))}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
