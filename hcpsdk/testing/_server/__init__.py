"""The network side of one HCP: nodes, connections, name server, certificates, and the redirect.

Passes requests to a `Site` and knows nothing of what it does. May import `_http`, `faults`,
`config` and `_dates`.
"""
