"""A request's bytes and the network: sockets, TLS, keep-alive, responses, and what failures mean.

Imports `hcpsdk._request` and `hcpsdk.ips`, but knows no Target and no Connection.
"""
