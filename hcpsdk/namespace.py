"""Parameters and statistics of a namespace. [7]

Nothing is here yet; the methods come with the next release of this library.
"""

__all__: list[str] = []
