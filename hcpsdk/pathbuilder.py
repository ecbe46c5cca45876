"""Unique object names, and paths that suit HCP. [8]

So far only the exception is here; the builder comes with the next release of this library.
"""

from hcpsdk._errors import HcpsdkError

__all__ = ["PathBuilderError", "pathbuilderError"]


class PathBuilderError(HcpsdkError):
    """A unique name could not be made, or a name is none that was made here. [8.3]"""


pathbuilderError = PathBuilderError  # the manual's other spelling
