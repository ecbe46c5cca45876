"""The Swift gateway, HSwift: accounts, containers, objects. docs/hcp/swift.rst.

Knows no server and no other interface. May import `_store`, `_replication`, `_http`, `_dates`,
`_xml` and `config`.
"""
