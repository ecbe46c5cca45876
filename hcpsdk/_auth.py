"""Authorization objects: they turn credentials into the headers that carry them."""

import base64
import hashlib
import re
from abc import ABC, abstractmethod

from hcpsdk._excerpt import MASK
from hcpsdk._log import Log

__all__ = [
    "BaseAuthorization",
    "DummyAuthorization",
    "NativeADAuthorization",
    "NativeAuthorization",
]

log = Log("hcpsdk.NativeAuthorization")
ad_log = Log("hcpsdk.NativeADAuthorization")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class BaseAuthorization(ABC):
    """Base class of what authorizes the requests of a `Target`.

    A subclass returns them as its `headers`. Instances pickle, so that a Target can be
    sent to another process.
    """

    __module__ = "hcpsdk"

    @property
    @abstractmethod
    def headers(self) -> dict[str, str]:
        """The headers with the credentials, a new dictionary for each call."""


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

    def __init__(self, user: str, password: str) -> None:
        if not isinstance(user, str) or not isinstance(password, str):
            raise TypeError("user and password must be str")
        self._user = user
        self._encoded_user = base64.b64encode(_utf8(user)).decode("ascii")
        self._digest = hashlib.md5(_utf8(password), usedforsecurity=False).hexdigest()
        log.debug("*I_NATIVE* authorization initialized for user: %s", user)
        log.debug("pre version 6:     Cookie: hcp-ns-auth=%s:%s", self._encoded_user, MASK)
        log.debug("version 6+: Authorization: HCP %s:%s", self._encoded_user, MASK)

    @property
    def headers(self) -> dict[str, str]:
        """``Authorization`` and ``Cookie``, each with the token of user and password."""
        token = f"{self._encoded_user}:{self._digest}"
        return {"Authorization": f"HCP {token}", "Cookie": f"hcp-ns-auth={token}"}

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

    def __init__(self, user: str, password: str) -> None:
        if not isinstance(user, str) or not isinstance(password, str):
            raise TypeError("user and password must be str")
        if _CONTROL.search(user) or _CONTROL.search(password):
            raise ValueError("user or password holds a control character")
        if ":" in user:
            raise ValueError("the user's name must not contain ':'")
        if password.endswith(" "):
            raise ValueError("the password ends with a blank, which a header cannot carry")
        self._user = user
        # Header values are Latin-1 as far as Python is concerned, UTF-8 for HCP.
        self._credentials = _utf8(f"{user}:{password}").decode("latin-1")
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

    @property
    def headers(self) -> dict[str, str]:
        """No headers."""
        return {}

    def __repr__(self) -> str:
        return "<DummyAuthorization>"


def _utf8(secret: str) -> bytes:
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass
    # Raised out here, because Python's own exception holds the whole text, and would go along.
    raise ValueError("user or password cannot be written as UTF-8")
