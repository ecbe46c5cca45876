"""The S3 gateway, HS3, on the hosts of tenants and namespaces. docs/hcp/s3.rst.

`service` dispatches requests, `credentials` and `signatures` find out who sends them, `payload`
checks bodies, `call` is a request that was let in, `responses` has the documents, and buckets,
lists, objects, deletions and multipart uploads have one file each. May import `_replication`,
`_store`, `_http`, `config`, `_dates` and `_xml`; no other interface.
"""
