"""What the samples with options share: options for the HCP, progress, messages."""

import os
import ssl
import sys

import hcpsdk


def add_to(parser, fqdn="n1.m.hcp1.snomis.local", port=hcpsdk.P_HTTPS, user="n", password="n01"):
    """Add the options for the HCP and the user; the defaults are those of the emulated HCP."""
    group = parser.add_argument_group("HCP", "The defaults are those of the emulated HCP.")
    group.add_argument("--fqdn", default=fqdn, help="default: %(default)s")
    group.add_argument("--port", type=int, default=port, help="default: %(default)s")
    group.add_argument("--user", default=user, help="default: %(default)s")
    group.add_argument("--ca-file", help="verify certificates with the CAs in this file")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    # Not an option: other users can see options.
    parser.set_defaults(password=os.environ.get("HCP_PASSWORD", password))
    parser.epilog = "The environment variable HCP_PASSWORD contains the password."


def make_target(options):
    """The Target that the options describe."""
    auth = hcpsdk.NativeAuthorization(options.user, options.password)
    try:
        context = ssl.create_default_context(cafile=options.ca_file) if options.ca_file else None
    except OSError as e:
        sys.exit(f"failure on {options.ca_file} - {e}")
    try:
        return hcpsdk.Target(options.fqdn, auth, port=options.port, sslcontext=context)
    except ValueError as e:
        sys.exit(f"invalid --fqdn or --port - {e}")


def check_url(parser, url):
    """Exit unless the URL is in a namespace."""
    if url != "/rest" and not url.startswith("/rest/"):
        parser.error(f"not a URL below /rest: {url!r}")
    try:
        url.encode()
    except UnicodeEncodeError:
        parser.error(f"not UTF-8: {url!r}")


def add_system_to(parser):
    """The same for the management API: the system's name, and a system-level user."""
    add_to(parser, "admin.hcp1.snomis.local", hcpsdk.P_MAPI, "service", "service01")


def explained(error):
    """The error in one line; if no HCP responds, with the command that starts an emulated one."""
    if isinstance(error, (hcpsdk.HcpsdkCantConnectError, hcpsdk.ips.IpsError)):
        start = "python3 -m hcpsdk.testing run"
        return f"{error} (no HCP? try an emulated one: {start} {' '.join(sys.argv)})"
    return str(error)


class Progress:
    """A progress bar, if stderr is a terminal and tqdm is installed.

    Use it as ``progress=`` of `hcpsdk.bulk` and `hcpsdk.transfer`.
    """

    def __init__(self, is_quiet=False):
        self._bar = None
        if not is_quiet and sys.stderr.isatty():
            try:
                import tqdm
            except ImportError:
                return
            self._bar = tqdm.tqdm(unit="B", unit_scale=True)

    def __call__(self, done, total=None):
        if self._bar is None:
            return
        if isinstance(done, hcpsdk.bulk.Totals):
            self._bar.set_postfix(files=done.done, failed=done.failed, refresh=False)
            done = done.bytes
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def write(self, line):
        """Print a line to stderr above the progress bar."""
        if self._bar is None:
            print(line, file=sys.stderr)
        else:
            self._bar.write(line, file=sys.stderr)

    def close(self):
        if self._bar is not None:
            self._bar.close()
