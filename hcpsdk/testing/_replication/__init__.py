"""Replication: links between two HCPs, and what travels over them.

Sees an HCP only through the protocols in `link`. May import `_store` and `config`.
"""
