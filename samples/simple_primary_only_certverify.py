"""The same as simple_primary_only.py, but HCP's certificate has to verify.

With the CA of the emulated HCP, which ``run`` tells in an environment variable::

    python3 -m hcpsdk.testing run samples/simple_primary_only_certverify.py

With a CA that did not sign the certificate, to see how that fails::

    python3 -m hcpsdk.testing run samples/simple_primary_only_certverify.py \
        samples/testfiles/failCertificate.pem

For an HCP of your own, change the constants and run it with python3 itself.
"""

import os
import ssl
import sys

import simple_primary_only  # the four steps are the same

# Where and as whom to store: adapt these to your environment.
P_FQDN = "n1.m.hcp1.snomis.local"
P_USER = "n"
P_PASS = "n01"
P_PORT = 443
# A file with the CA certificates that you trust.
P_CAFILE = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("HCPSDK_TESTING_CAFILE", "ca.pem")
# True shows what the library does, step by step.
P_DEBUG = False


def main():
    # The certificate must be valid for P_FQDN, or for the address of each node.
    try:
        context = ssl.create_default_context(cafile=P_CAFILE)
    except OSError as e:
        sys.exit(f"failure on {P_CAFILE} - {e}")
    simple_primary_only.main(P_FQDN, P_USER, P_PASS, P_PORT, sslcontext=context, debug=P_DEBUG)


if __name__ == "__main__":
    main()
