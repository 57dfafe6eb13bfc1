"""What an agent that a model speaks for needs of the run around its step.

An agent knows no run. What it needs of one is little: which model speaks, what was said in this step before a crash or
a question broke it off, a place to write what is said now, whom it may turn to, and whether there is money left. A run
gives this as `Surroundings`; an agent that is asked outside of a run is `Alone`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mars_nb.actions import Choices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mars_nb.agents.dialogue import Model
    from mars_nb.events import Event


class Spent(NamedTuple):
    """What models took in one step; the cost is None when a price is not known."""

    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = 0.0


class Surroundings(Protocol):
    """The run around one step."""

    @property
    def branch(self) -> str:
        """Id of the branch."""
        ...

    @property
    def step(self) -> int:
        """Number of the step in its branch."""
        ...

    @property
    def model(self) -> Model:
        """Who speaks for the agent.

        Raises
        ------
        ModelUnavailable
            When nobody can.
        """
        ...

    @property
    def people(self) -> Mapping[str, str]:
        """Description of everybody who is drawn, by name."""
        ...

    def record(self) -> Sequence[Event]:
        """Give what was said in this step so far, also before a crash."""
        ...

    def note(self, event: Event) -> None:
        """Write down what was said; it is kept when this returns."""
        ...

    def choices(self) -> Choices:
        """Give what a reply may ask for now."""
        ...

    def check(self, reply: Any) -> None:
        """Refuse a reply that the topology does not allow.

        Raises
        ------
        ReplyError
            Saying what is allowed.
        """
        ...

    def overspent(self) -> str | None:
        """Give which limit on money or tokens is used up, None while there is some left."""
        ...

    def can_ask(self) -> bool:
        """Tell whether a person can be asked."""
        ...

    def spent(self) -> Spent:
        """Give what models took in this step."""
        ...


class Alone:
    """No run at all: nothing is kept, nobody else is there.

    Parameters
    ----------
    model : Model
        Who speaks for the agent.
    """

    branch = ""
    step = 1
    people: Mapping[str, str] = {}

    def __init__(self, model: Model) -> None:
        self.model = model
        self._record: list[Event] = []

    def record(self) -> Sequence[Event]:
        """Give what was said so far."""
        return self._record

    def note(self, event: Event) -> None:
        """Remember what was said."""
        self._record.append(event)

    def choices(self) -> Choices:
        """Give no choice but to reply."""
        return Choices()

    def check(self, reply: Any) -> None:
        """Allow everything."""

    def overspent(self) -> str | None:
        """Set no limit."""
        return None

    def can_ask(self) -> bool:
        """Have nobody to ask."""
        return False

    def spent(self) -> Spent:
        """Count nothing."""
        return Spent()
