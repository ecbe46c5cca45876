"""What the tests of several directories use: servers that misbehave, and doubles for time and DNS.

Imports nothing of the tests, and of the library only what is public. The fixtures that start and
stop these are in the conftest.py of the directory that uses them.
"""
