"""Where a Connection is in its life, and which state may follow which."""

import enum


class State(enum.Enum):
    """Where a Connection is in its life; `MOVES` says which state may follow which."""

    CLOSED = "no socket; the next request opens one"
    IDLE = "socket open, nothing outstanding"
    WAITING = "request running, response headers not here yet"
    READING = "headers read, body not yet exhausted"

    def __init__(self, _meaning: str) -> None:
        self.next: tuple[State, ...] = ()  # filled in from `MOVES`


# What leads from one state to the next: the documentation draws this table.
MOVES = {
    State.CLOSED: {State.WAITING: "request"},
    State.IDLE: {State.WAITING: "request", State.CLOSED: "idletime over, close()"},
    State.WAITING: {
        State.IDLE: "response complete",
        State.READING: "head of the response to a GET",
        State.CLOSED: "failed, close()",
    },
    State.READING: {
        State.WAITING: "next request",
        State.IDLE: "read to its end",
        State.CLOSED: "failed, close()",
    },
}
for _state, _moves in MOVES.items():
    _state.next = tuple(_moves)
# A look at a member of an Enum costs a function call on some Pythons.
CLOSED, IDLE, WAITING, READING = State
