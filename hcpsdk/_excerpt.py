"""What others sent, made fit for messages and logs (contract 9.3). Imports nothing of hcpsdk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "********"
MAX_LENGTH = 300  # characters
_SHORTEST = 6  # characters of a secret; a shorter one would be found in any text

# Credentials, by where they stand, whosever they are; what is left is the user part. (Compiled at
# its first use: that takes longer than to import most modules.)
_BY_PLACE = (
    r"(?i)(\bauthorization['\"]?\s*[:=]\s*(?:HCP [^\s:]*:|AD [^\s:]*:|Basic |Bearer )?"
    r"|\bhcp-ns-auth=(?:[^\s:;]*:)?"
    r"|\bcookie['\"]?\s*[:=]\s*(?!hcp-ns-auth=)"
    r"|\bHCP [A-Za-z0-9+/=]+:|\bAD [^\s:]+:)"
    r"[^\s'\",;<>]+"
)


def excerpt(text: str, *credentials: Mapping[str, str], limit: int = MAX_LENGTH) -> str:
    """*text* without the secrets in *credentials*, without control characters, and not long.

    Args:
        text: What a server sent.
        credentials: The headers that authorize our requests, one mapping or several.
        limit: Characters after which it is cut.
    """
    values = {value for headers in credentials for value in headers.values()}
    secrets = sorted(_secrets(values), key=len, reverse=True)
    if secrets:
        text = re.sub("|".join(map(re.escape, secrets)), MASK, text, flags=re.IGNORECASE)
    text = re.sub(_BY_PLACE, rf"\1{MASK}", text)
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _secrets(values: Iterable[str]) -> set[str]:
    """The parts of headers' *values* that must not be shown: not the scheme, and not the user."""
    found = set()
    for value in values:
        scheme, _, rest = value.strip().partition(" ")
        if scheme == "AWS4-HMAC-SHA256":  # all but the signature is public
            rest = rest.rpartition("=")[2]
        if scheme == "AD":  # a password in plain text, which may hold anything
            found.add(rest.partition(":")[2])
        for part in re.split(r"[\s,;\"]+", rest or scheme):
            secret = part.rpartition(":")[2]
            found |= {secret, secret.partition("=")[2].strip("=")}
    return {secret for secret in found if len(secret) >= _SHORTEST}
