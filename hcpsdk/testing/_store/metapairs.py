"""User metadata of objects, as the S3 and Swift gateways keep it. Imports `_xml`.

It is in an annotation (docs/hcp/s3.rst, section 6).
"""

import re
from collections.abc import Mapping

from .. import _xml

ANNOTATION = ".metapairs"

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]")


def written(pairs: Mapping[str, str]) -> bytes:
    """The annotation for *pairs*; characters that XML does not allow in names become ``_``."""
    elements = (_element(name, value) for name, value in pairs.items())
    return f"<metapairs>{''.join(elements)}</metapairs>".encode()


def _element(name: str, value: str) -> str:
    tag = f"meta-{_NOT_IN_NAME.sub('_', name)}"
    text = _xml.NOT_IN_XML.sub("?", value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{tag}><![CDATA[{text}]]></{tag}>"


def read(annotation: bytes) -> dict[str, str] | None:
    """The pairs in an annotation; None if it is not one of these gateways."""
    try:
        found = _xml.read("metapairs", annotation)
    except _xml.Malformed:
        return None
    return {name.removeprefix("meta-"): str(text) for name, text in found.items()}
