"""The errors of stores. Imports nothing of the emulator."""


class StoreError(Exception):
    """Base class; the message is the reason."""


class NameTaken(StoreError):
    """The name is in use, being written, or has an object as a part of its path."""


class Missing(StoreError):
    """Nothing has this name."""


class BeingWritten(StoreError):
    """The object is not finished yet."""


class Protected(StoreError):
    """Retention, hold, or entries of a directory prevent the deletion."""


class TooLarge(StoreError):
    """The object exceeds the maximum size or the quota."""


class NoAnnotation(StoreError):
    """The object has no annotation with this name."""


class TooManyAnnotations(StoreError):
    """The object has the maximum number of annotations."""


class BadAnnotation(StoreError):
    """The annotation is not well-formed XML."""


class Forgotten(StoreError):
    """The store was cleared during the upload."""
