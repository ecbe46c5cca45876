"""Loggers whose records are complete in ``record.msg``. Imports nothing of hcpsdk."""

from __future__ import annotations

import logging


class Log:
    """Logs under *name*, and formats nothing while DEBUG is off.

    The original manual's sample has a format with ``{msg}``, so the values must be in there
    (contract 9.2).
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self.isEnabledFor = self._logger.isEnabledFor

    def debug(self, text: str, *values: object) -> None:
        """Log *text* with *values* in it."""
        if self.isEnabledFor(logging.DEBUG):
            # Without arguments `logging` leaves a "%" in the text alone.
            self._logger.debug(text % values, stacklevel=2)

    def warning(self, text: str, *values: object) -> None:
        """The same at WARNING."""
        self._logger.warning(text % values, stacklevel=2)
