"""Replication: links between two HCPs, and what travels over them.

Sees an HCP only through the protocols in `end`. May import `_store` and `config`.
"""
