"""Do the same as simple_primary_only.py, and verify HCP's certificate.

To run it with the CA of the emulated HCP (see HCPSDK_TESTING_CAFILE below)::

    python3 -m hcpsdk.testing run samples/simple_primary_only_certverify.py

To see how verification fails, use a CA that did not sign the certificate::

    python3 -m hcpsdk.testing run samples/simple_primary_only_certverify.py \
        samples/testfiles/failCertificate.pem

For your own HCP, change the constants and run it with python3.
"""

import os
import ssl
import sys

import simple_primary_only  # the operations are the same

# Change these for your own HCP.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# A file with the certificates of the CAs that you trust.
P_CAFILE = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HCPSDK_TESTING_CAFILE", "ca.pem")
# Set to True to log what the library does.
P_DEBUG = False


def main():
    # The certificate must be valid for P_FQDN or for the addresses of the nodes.
    try:
        context = ssl.create_default_context(cafile=P_CAFILE)
    except OSError as e:
        command = f"python3 -m hcpsdk.testing run {sys.argv[0]}"
        sys.exit(f"failure on {P_CAFILE} - {e}\nWithout an HCP: {command}")
    simple_primary_only.main(P_FQDN, P_USER, P_PASS, P_PORT, sslcontext=context, debug=P_DEBUG)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
