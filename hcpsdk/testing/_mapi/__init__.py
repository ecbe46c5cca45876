"""The management API under ``/mapi``.

`service` dispatches requests, `call` is a request that was let in, `responses` has the headers,
`documents` and `properties` turn values into XML or JSON and back, and each group of resources has
one file. May import `_replication`, `_store`, `_http`, `config`, `_dates` and `_xml`; no other
interface.
"""
