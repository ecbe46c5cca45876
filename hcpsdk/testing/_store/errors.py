"""What keeps a store from doing what it was asked for."""


class StoreError(Exception):
    """The store does not do what it was asked for; says why."""


class NameTaken(StoreError):
    """Something of that name is there, or being written, or a part of the path is an object."""


class Missing(StoreError):
    """Nothing of that name is there."""


class BeingWritten(StoreError):
    """The object is not finished yet."""


class Protected(StoreError):
    """Retention, hold, or its entries keep it from being deleted."""


class TooLarge(StoreError):
    """The object is larger than HCP takes, or than what is left of the quota."""


class NoAnnotation(StoreError):
    """The object has no annotation of that name."""


class TooManyAnnotations(StoreError):
    """The object has as many as it can have."""


class BadAnnotation(StoreError):
    """The annotation is not well-formed XML; says why."""


class Forgotten(StoreError):
    """The store was emptied while the object was being written."""
