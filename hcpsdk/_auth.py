"""Authorization objects: they turn credentials into the headers that carry them."""

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType

from hcpsdk import _constants as constants
from hcpsdk._errors import first_use
from hcpsdk._excerpt import MASK
from hcpsdk._log import Log
from hcpsdk._request.unsigned import UnsignedRequest
from hcpsdk._request.url import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

__all__ = [
    "BaseAuthorization",
    "DummyAuthorization",
    "HSwiftAuthorization",
    "LocalSwiftAuthorization",
    "NativeADAuthorization",
    "NativeAuthorization",
]

log = Log("hcpsdk.NativeAuthorization")
ad_log = Log("hcpsdk.NativeADAuthorization")
swift_log = Log("hcpsdk.HSwiftAuthorization")

# Compiled at their first use: most programs need neither.
_TOKEN = r"[\x21-\x7e]+"
_CONTROL = r"[\x00-\x1f\x7f]"


class BaseAuthorization:
    """Base class of what authorizes the requests of a `Target`.

    A subclass has ``headers``, a property or an attribute that its constructor sets, or
    `authorize`, or both. Instances pickle, so that a Target can be sent to another process.
    """

    __module__ = "hcpsdk"

    if TYPE_CHECKING:
        #: The interface that it is for; None fits all.
        interface: ClassVar[str | None] = None

        @property
        def headers(self) -> dict[str, str]:
            """The headers with the credentials, the same for all requests."""

    else:  # a property here could not be set by a constructor
        interface: str | None = None
        headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        if type(self) is BaseAuthorization:
            raise TypeError("BaseAuthorization is a base class: use a subclass")

    def authorize(self, request: UnsignedRequest) -> Mapping[str, str]:
        """More headers, for one attempt of *request*; called shortly before it is sent.

        They replace those with the same name in *request*. What is raised here ends the request.
        """
        return {}

    def has_headers(self) -> bool:
        """True if there are ``headers``; it does not look at them."""
        is_own = type(self).headers is not BaseAuthorization.headers
        return is_own or "headers" in getattr(self, "__dict__", ())

    def sees_requests(self) -> bool:
        """True if `authorize` has to be called."""
        return type(self).authorize is not BaseAuthorization.authorize


class NativeAuthorization(BaseAuthorization):
    """Authorization for HCP's native http/REST interface by user and password.

    HCP's release 6 and later read the ``Authorization`` header, earlier ones the cookie; both are
    sent. The password itself is not kept, its MD5 digest is, as HCP demands: keep pickles of this
    object as safe as the password.

    Args:
        user: The data access user (or a system user, for MAPI).
        password: That user's password.

    Raises:
        TypeError: One of the two is not a ``str``.
        ValueError: One of the two cannot be written as UTF-8.
    """

    __module__ = "hcpsdk"

    interface = constants.I_NATIVE

    def __init__(self, user: str, password: str) -> None:
        user, password = checked_strings(user, password)
        self._user = user
        encoded_user = base64.b64encode(utf8(user)).decode("ascii")
        token = f"{encoded_user}:{_md5(utf8(password))}"
        self._headers = {"Authorization": f"HCP {token}", "Cookie": f"hcp-ns-auth={token}"}
        log.debug("*I_NATIVE* authorization initialized for user: %s", user)
        log.debug("pre version 6:     Cookie: hcp-ns-auth=%s:%s", encoded_user, MASK)
        log.debug("version 6+: Authorization: HCP %s:%s", encoded_user, MASK)

    @property
    def headers(self) -> dict[str, str]:
        """``Authorization`` and ``Cookie``, each with the token of user and password."""
        return self._headers.copy()

    def __repr__(self) -> str:
        return f"<NativeAuthorization user={self._user!r} password={MASK}>"


class NativeADAuthorization(BaseAuthorization):
    """Authorization for HCP's native http/REST interface by a user of Active Directory.

    HCP 7.2 and later. The header carries the password as it is, so use a port that speaks TLS, and
    keep pickles of this object as safe as the password.

    Args:
        user: The user, ``"user@domain"``.
        password: That user's password.

    Raises:
        TypeError: One of the two is not a ``str``.
        ValueError: One of the two cannot be sent: it cannot be written as UTF-8, holds a control
            character, the user holds a colon, or the password ends with a blank.
    """

    __module__ = "hcpsdk"

    interface = constants.I_NATIVE

    def __init__(self, user: str, password: str) -> None:
        user, password = checked_strings(user, password)
        if re.search(_CONTROL, user) or re.search(_CONTROL, password):
            raise ValueError("user or password holds a control character")
        if ":" in user:
            raise ValueError("the user's name must not contain ':'")
        if password.endswith(" "):
            raise ValueError("the password ends with a blank, which a header cannot carry")
        self._user = user
        # Header values are Latin-1 as far as Python is concerned, UTF-8 for HCP.
        self._credentials = utf8(f"{user}:{password}").decode("latin-1")
        ad_log.debug("*I_NATIVE* authorization initialized for user: %s", user)
        ad_log.debug("Authorization: AD %s:%s", user, MASK)

    @property
    def headers(self) -> dict[str, str]:
        """``Authorization``, with user and password."""
        return {"Authorization": f"AD {self._credentials}"}

    def __repr__(self) -> str:
        return f"<NativeADAuthorization user={self._user!r} password={MASK}>"


class DummyAuthorization(BaseAuthorization):
    """No authorization, for anonymous access to the default namespace.

    Its Target is made with ``"default.default.hcp.example.com"``; the paths there begin with
    ``/fcfs_data`` and ``/fcfs_metadata``.
    """

    __module__ = "hcpsdk"

    interface = constants.I_NATIVE

    @property
    def headers(self) -> dict[str, str]:
        """No headers."""
        return {}

    def __repr__(self) -> str:
        return "<DummyAuthorization>"


class HSwiftAuthorization(BaseAuthorization):
    """Authorization for HSwift, HCP's gateway for OpenStack Swift, by user and password or token.

    The password itself is not kept, its MD5 digest is: keep pickles of this object as safe as the
    password.

    Args:
        user: The user.
        password: That user's password.
        token: A token of OpenStack Keystone, instead of the two.

    Raises:
        TypeError: One of them is not a ``str``, or it is neither user and password nor a token.
        ValueError: One of them cannot be sent.
    """

    __module__ = "hcpsdk"

    interface = constants.I_HSWIFT

    def __init__(
        self, user: str | None = None, password: str | None = None, *, token: str | None = None
    ) -> None:
        if token is not None and user is None and password is None:
            if not isinstance(token, str):
                raise TypeError("token must be str")
            if not re.fullmatch(_TOKEN, token):
                raise ValueError("the token is empty, or holds blanks or other characters")
            self._token = token
        elif token is None and isinstance(user, str) and isinstance(password, str):
            user, password = checked_strings(user, password)
            encoded_user = base64.b64encode(utf8(user)).decode("ascii")
            self._token = f"HCP {encoded_user}:{_md5(utf8(password))}"
        else:
            raise TypeError("pass user and password as str, or only a token")
        self._user = user
        swift_log.debug("*I_HSWIFT* authorization initialized for user: %s", user)

    @property
    def headers(self) -> dict[str, str]:
        """``X-Auth-Token``, with the token."""
        return {"X-Auth-Token": self._token}

    def __repr__(self) -> str:
        if self._user is None:
            return f"<HSwiftAuthorization token={MASK}>"
        return f"<HSwiftAuthorization user={self._user!r} password={MASK}>"


# The name under which later releases of the original have it.
LocalSwiftAuthorization = HSwiftAuthorization


def checked_strings(user: str, password: str) -> tuple[str, str]:
    """The two as plain strings: of a member of a ``(str, Enum)`` its value."""
    if not isinstance(user, str) or not isinstance(password, str):
        raise TypeError("user and password must be str")
    return to_text(user), to_text(password)


def _md5(secret: bytes) -> str:
    with first_use():
        # It loads OpenSSL's names of all hashes, which takes as long as many modules.
        from hashlib import md5
    return md5(secret, usedforsecurity=False).hexdigest()


def utf8(secret: str) -> bytes:
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass
    # Raised out here, because Python's own exception holds the whole text, and would go along.
    raise ValueError("user or password cannot be written as UTF-8")
