"""Notices forks, so that a child uses no socket of its parent's."""

import os

count = 0  # how many forks lie between the first process and this one


def _count() -> None:
    global count
    count += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count)
