"""The state of a run, and the few movements of which every change is made.

`RunState` is written by `mars_nb.engine.machine.evolve` alone. What follows it here are its verbs: a branch becomes
something else, says something to a neighbour, arrives, waits, ends. They keep three counts in step that answer the
engine's questions without looking at every branch: who is live where (`mars_nb.engine.join`), how much of a frame moves
by itself (``n_active``; the frame around hears only of the first and the last), and which joins something happened to.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from mars_nb.actions import Parallel
from mars_nb.engine.branch import (
    CALLING,
    ENDED,
    FAILED,
    READY,
    WAITING,
    BranchState,
    Contribution,
    ExecutionBranch,
    Frame,
    Talk,
)
from mars_nb.engine.join import Join, enter, join_at, leave, move, unblock
from mars_nb.engine.rules import pair
from mars_nb.topology.model import USER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.engine.branch import Position
    from mars_nb.engine.plan import Plan
    from mars_nb.engine.trace import StepTrace
    from mars_nb.events import Profile


class RunState:
    """Where everybody stands.

    Parameters
    ----------
    plan : Plan
        The graph and the rules.

    Attributes
    ----------
    status : str
        ``"created"``, ``"running"``, ``"paused"``, ``"succeeded"``, ``"failed"`` or ``"cancelled"``.
    branches : dict of str to ExecutionBranch
        Every branch that ever was, by id.
    steps : list of StepTrace
        Every step that ever was, in the order in which they began.
    deliveries : list of Contribution
        What was delivered, or given by `Final` for the run.
    questions : deque of ExecutionBranch
        Who waits for a person; the first one's question is open.
    n_completed, n_in_flight : int
        Steps that completed; steps that are running.
    n_tokens, cost_usd : int, float
        What models took so far, in tokens and, as far as prices are known, in US dollars.
    is_priced : bool
        Whether the price of all of that is known.
    agents : dict of str to str
        Digest of each agent by which the run goes on.
    profiles : dict of str to Profile
        The agents for which a model speaks.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.status = "created"
        self.error: str | None = None
        self.task: Any = None
        self.context: dict[str, Any] = {}
        self.can_ask = False
        self.has_person = False
        self.deadline_s: float | None = None
        self.is_pausing = False
        self.pauses_now = False
        self.pause_reason = ""
        self.let_through: frozenset[str] = frozenset()
        self.root = Frame()
        self.branches: dict[str, ExecutionBranch] = {}
        self.steps: list[StepTrace] = []
        self.deliveries: list[Contribution] = []
        self.questions: deque[ExecutionBranch] = deque()
        self.ready: deque[ExecutionBranch] = deque()
        self.dirty: dict[Join, None] = {}
        self.quiet: list[Frame] = [self.root]
        self.visits: dict[tuple[Position, str], int] = {}
        self.n_entries = 0
        self.n_events = 0
        self.began_seq = 1
        self.n_completed = 0
        self.n_in_flight = 0
        self.n_live = 0
        self.n_forks = 0
        self.n_tokens = 0
        self.cost_usd = 0.0
        self.is_priced = True
        self.agents: dict[str, str] = {}
        self.profiles: dict[str, Profile] = {}


def contribution(branch: ExecutionBranch, slot: int = 0) -> Contribution:
    """Give what a branch hands on: its reply, or request number ``slot`` of it."""
    action = branch.action
    content = action.targets[slot][1] if isinstance(action, Parallel) else branch.said
    return Contribution(branch.position, branch.agent, content)


def in_branch_order(contributions: Iterable[Contribution]) -> list[Contribution]:
    """Sort contributions by the position of the branch that gave them."""
    return sorted(contributions, key=lambda each: each.position)


def take_answers(caller: ExecutionBranch) -> list[Contribution]:
    """Give what came back to a caller; in its frame each answer counts as the reply to what it had asked."""
    for frame in caller.frames:
        talk = caller.frame.talks.get(pair(caller.agent, frame.asked))
        if talk and frame.answers and talk.opener == caller.agent:
            talk.unanswered = False
    return [answer for frame in caller.frames for answer in frame.answers]


def say(state: RunState, frame: Frame, sender: str, receiver: str) -> None:
    """Count a message: a turn or a reply in a conversation, else a one-way edge that is taken."""
    if receiver != USER and receiver not in state.plan.ways[sender].conversing:
        frame.taken.add((sender, receiver))
        return
    conversation = pair(sender, receiver)
    talk = frame.talks.get(conversation)
    if talk is None:
        frame.talks[conversation] = Talk(sender, 1, unanswered=True)
    else:
        talk.send(sender)


def become(state: RunState, branch: ExecutionBranch, new: BranchState) -> None:
    """Let a branch do something else."""
    was, branch.state = branch.state.is_active, new
    if was is new.is_active:
        return
    if was:
        _deactivate(state, branch.frame)
    else:
        _activate(branch.frame)


def make_ready(state: RunState, branch: ExecutionBranch) -> None:
    """Put a branch in the queue of those that can start a step."""
    become(state, branch, READY)
    state.ready.append(branch)


def take_ready(state: RunState, branch: ExecutionBranch) -> None:
    """Take a branch out of that queue."""
    if state.ready[0] is branch:
        state.ready.popleft()
    else:
        state.ready.remove(branch)


def be_born(state: RunState, branch: ExecutionBranch) -> None:
    """Add a branch to the run."""
    state.branches[branch.id] = branch
    state.n_live += 1
    enter(branch)


def arrive(state: RunState, branch: ExecutionBranch) -> None:
    """Let a branch wait at its agent for those who could still come."""
    become(state, branch, WAITING)
    wait(state, branch)


def wait(state: RunState, branch: ExecutionBranch) -> None:
    """Add a branch, an arrival or a caller, to the join where it stands."""
    join = join_at(branch.frame, branch.agent)
    if join.is_blocked:
        unblock(join)
    join.add(branch)
    state.dirty[join] = None


def walk(state: RunState, branch: ExecutionBranch, agent: str) -> None:
    """Let a branch stand at another agent, and look again at the joins that it held up."""
    for join in move(branch, agent):
        state.dirty[join] = None


def step_away(state: RunState, branch: ExecutionBranch) -> None:
    """Stop counting a branch where it stands, and look again at the joins that it held up."""
    for join in leave(branch):
        state.dirty[join] = None


def end(state: RunState, branch: ExecutionBranch, how: str) -> None:
    """End a live branch."""
    is_counted = True
    if branch.state in (WAITING, CALLING):
        join = branch.frame.joins[branch.agent]
        is_counted = not join.is_blocked
        join.remove(branch)
        state.dirty[join] = None
    branch.ended = how
    branch.frames = ()
    become(state, branch, ENDED)
    state.n_live -= 1
    if is_counted:
        step_away(state, branch)


def fail(state: RunState, branch: ExecutionBranch) -> None:
    """Let a branch fail for good; it stays in its frame until a join or a caller goes on without it."""
    branch.frame.failed[branch.id] = branch
    become(state, branch, FAILED)
    state.n_live -= 1
    step_away(state, branch)
    for join in branch.frame.joins.values():
        state.dirty[join] = None


def give_up(state: RunState, settled: Iterable[str], agent: str) -> list[dict[str, str]]:
    """Note that a join or a caller at ``agent`` goes on without these branches; give the failures among them."""
    failures = []
    for name in settled:
        branch = state.branches[name]
        _look_again(state, branch.frame)
        if branch.state is FAILED and branch.error:
            branch.settled_at |= {agent}
            kind, message = branch.error
            failures.append({"agent": branch.agent, "branch": name, "error": f"{kind}: {message}"})
        elif branch.state is not ENDED:
            end(state, branch, "given up")
    return failures


def _look_again(state: RunState, frame: Frame) -> None:
    """Look again at the joins that were blocked, since a failure that blocked them may be settled."""
    for join in frame.joins.values() if frame.n_blocked else ():
        if join.is_blocked:
            unblock(join)
            state.dirty[join] = None


def _activate(frame: Frame | None) -> None:
    while frame:
        frame.n_active += 1
        if frame.n_active > 1:
            return
        if frame.is_quiet and frame.caller:
            frame.caller.frame.joins[frame.caller.agent].n_busy += 1
            frame.is_quiet = False
        frame = frame.parent


def _deactivate(state: RunState, frame: Frame | None) -> None:
    while frame:
        frame.n_active -= 1
        if frame.n_active:
            return
        state.quiet.append(frame)
        frame = frame.parent
