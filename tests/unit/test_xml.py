"""XML from the network: read as values, or refused in words that say what came."""

from typing import Any

import pytest

import hcpsdk
from hcpsdk._xml import parse
from hcpsdk.mapi._replication import _dictionary

LAUGHS = b"""<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><r>&c;</r>"""


def test_values() -> None:
    """Names, attributes, children, and text come out, with or without an XML namespace (contract
    8.4)."""
    root = parse(
        b'<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet href="x.xsl"?>\n'
        b'<r xmlns:s="urn:s" s:a="1" b="&lt;2&#10;"><!-- no --><c>\xc3\xa4<![CDATA[<&]]></c>d</r>',
        "r",
    )

    assert root.attributes == {"{urn:s}a": "1", "b": "<2\n"}
    assert root.text == "d"
    (child,) = root.children
    assert (child.name, child.attributes, child.text) == ("c", {}, "ä<&")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: Any) -> None:
    """A document says in which encoding it is, and is read so (contract 8.4)."""
    declared = encoding.removesuffix("-sig")
    document = f'<?xml version="1.0" encoding="{declared}"?><r>ä</r>'.encode(encoding)

    assert parse(document, "r").text == "ä"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (b"", "it is empty"),
        (b"   ", "starts with '   '"),
        (b"<r><a></a>", "starts with '<r><a></a>'"),
        (b"<r", "starts with '<r'"),
        (b"<r/><r/>", "junk after document element"),
        (b"<r a='1' a='2'/>", "duplicate attribute"),
        (b"<html><head></head></html>", "its root is <html>"),
        (b"<!DOCTYPE html><html></html>", "document type"),
        (b"Service Unavailable", "starts with 'Service Unavailable'"),
        (b'{"name":["a"]}', "starts with"),
        (b"<x:r/>", "unbound prefix"),
        (b"<r>&a;</r>", "undefined entity"),
        (b"<r>\xff</r>", "not well-formed"),
        (b'<?xml version="1.0" encoding="nonsense"?><r/>', "unknown encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?><r/>', "encoding"),
        (b'<?xml version="1.0" encoding="shift_jis"?><r/>', "encoding"),
        (b"<r>" * 101 + b"</r>" * 101, "nested too deeply"),
        (b"<r>" * 1_000_000, "nested too deeply"),
        (LAUGHS, "document type"),
        (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "document type"),
        (b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>', "document type"),
        (b'<!DOCTYPE r [<!ATTLIST r a CDATA "x">]><r/>', "document type"),
    ],
)
def test_refused(document: Any, told: Any) -> None:
    """Whatever is not the XML expected is an HcpsdkError that says what came (contract 8.4)."""
    with pytest.raises(hcpsdk.HcpsdkError) as caught:
        parse(document, "r")

    assert caught.value.reason.startswith("invalid <r> document: ")
    assert told in caught.value.reason
    assert len(caught.value.reason) < 300


def test_every_cut() -> None:
    """A document that is cut anywhere is refused (contract 1.4, 8.4)."""
    document = '<?xml version="1.0"?>\n<r a="1"><b>ä</b><c/><!-- d --></r>'.encode()
    for end in range(len(document)):
        with pytest.raises(hcpsdk.HcpsdkError):
            parse(document[:end], "r")


def test_white_space_is_an_empty_value() -> None:
    """An element that holds nothing but white space is `''`; text keeps its own (contract 8)."""
    document = b"<link><name> a b </name><remote>\n    \t</remote><empty/></link>"
    assert _dictionary(parse(document, "link")) == {"name": " a b ", "remote": "", "empty": ""}
