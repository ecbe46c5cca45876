"""HTTP as all interfaces of the emulator use it: requests, responses, errors, who may do what.

Knows no server, no objects, and no interface. May import `config`, `_dates` and `_xml`.
"""
