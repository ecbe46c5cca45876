"""Replication: links between two HCPs, and the transfer and merging of changes.

Sees an HCP only through the protocols in `end`. May import `_store` and `config`.
"""
