"""The native REST interface under ``/rest``, and namespace information under ``/proc``.

`service` dispatches requests, `call` is a request that was let in, `responses` has the headers, and
each resource or group of operations has one file. May import `_replication`, `_store`, `_http`,
`config`, `_dates` and `_xml`; no other interface.
"""
