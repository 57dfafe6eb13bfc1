"""The run around one step, for an agent that a model speaks for: its record, its choices, what is left to spend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.surroundings import Spent
from mars_nb.engine.ending import overspent
from mars_nb.engine.validation import check_reply, choices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mars_nb.actions import Choices
    from mars_nb.agents.dialogue import Model
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.state import RunState
    from mars_nb.events import Event


class StepSurroundings:
    """The run around one step.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    branch : ExecutionBranch
        Whose step it is.
    write : callable
        Writes an event, and returns when it is kept.
    model : callable
        Gives who speaks for the agent.
    people : mapping of str to str
        Description of everybody who is drawn, by name.
    """

    def __init__(
        self,
        state: RunState,
        branch: ExecutionBranch,
        *,
        write: Callable[[Event], None],
        model: Callable[[], Model],
        people: Mapping[str, str],
    ) -> None:
        self.branch = branch.id
        self.step = branch.n_steps
        self.people = people
        self.note = write
        self._model = model
        self._state = state
        self._branch = branch

    @property
    def model(self) -> Model:
        """Who speaks for the agent."""
        return self._model()

    def record(self) -> Sequence[Event]:
        """Give what was said in this step so far, also before a crash."""
        return self._branch.trace.record if self._branch.trace else ()

    def choices(self) -> Choices:
        """Give what a reply may ask for now."""
        return choices(self._state, self._branch)

    def check(self, reply: Any) -> None:
        """Refuse a reply that the topology does not allow."""
        check_reply(self._state, self._branch, reply)

    def overspent(self) -> str | None:
        """Give which limit on money or tokens is used up, None while there is some left."""
        return overspent(self._state)

    def can_ask(self) -> bool:
        """Tell whether a person can be asked."""
        return self._state.can_ask

    def spent(self) -> Spent:
        """Give what models took in this step."""
        trace = self._branch.trace
        if trace is None or not trace.n_responses:
            return Spent()
        return Spent(trace.n_input_tokens, trace.n_output_tokens, trace.cost_usd)
