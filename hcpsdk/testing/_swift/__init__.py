"""The Swift gateway, HSwift, under ``/swift/v1`` of the host ``api``. docs/hcp/swift.rst.

`service` dispatches requests, `call` is a request that was let in, `responses` has the headers,
`listing` the formats of lists, and accounts, containers and objects have one file each. May import
`_replication`, `_store`, `_http`, `config`, `_dates` and `_xml`; no other interface.
"""
