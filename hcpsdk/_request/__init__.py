"""A request, from the caller's arguments to bytes: URL, headers, body.

Nothing here opens a connection. Imports only `hcpsdk._errors`.
"""
