"""HTTP as all interfaces of the emulator use it: requests, responses, errors, credentials.

Knows no server, no objects, and no interface. May import `config`, `_dates` and `_xml`.
"""
