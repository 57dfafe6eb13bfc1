"""The eight states an agent can be seen in, and how each of them looks.

A state is never told by colour alone. Each has a word, a glyph, a border of its own weight and dash, and a pair of
colours whose text keeps a contrast of at least 8:1 (WCAG AAA asks for 7:1) and whose border keeps at least 4.4:1.
Glyphs are drawn, never set from a font, so they look alike on every machine: each is one path in a box of 12 by 12,
written with absolute ``M``, ``L``, ``C`` and ``Z`` only, which any drawing library can read.

Examples
--------
>>> NodeState.WAITING.word, NodeState.WAITING.glyph
('waits', '⧗')
>>> NodeState("failed").border
Border(width=3.0, dash='', shape='cut')
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

EDGE: Final = "#6B7280"
"""Colour of every edge, in light and in dark."""

GROUND: Final = "#FFFFFF"
"""Opaque ground of every saved picture."""

INK: Final = "#374151"
"""Colour of text on the ground."""

GLYPH_SIZE: Final = 12.0
"""Side of the square that a glyph is drawn in."""


@dataclass(frozen=True)
class Border:
    """How the outline of a node is drawn.

    Parameters
    ----------
    width : float
        Line width in pixels.
    dash : str
        SVG dash array; empty for a solid line.
    shape : {"round", "cut", "double"}
        ``cut`` takes off a corner, ``double`` draws two lines.
    """

    width: float
    dash: str = ""
    shape: Literal["round", "cut", "double"] = "round"


@dataclass(frozen=True)
class Colours:
    """Fill, border and text of a node, as ``#RRGGBB``."""

    fill: str
    border: str
    text: str


@dataclass(frozen=True)
class Glyph:
    """A mark that can be typed and drawn.

    Parameters
    ----------
    char, ascii : str
        One character for text, and its plain ASCII stand-in.
    path : str
        The drawing.
    filled : bool
        Whether the path is filled; otherwise it is a line.
    """

    char: str
    ascii: str
    path: str
    filled: bool = False


@dataclass(frozen=True)
class Look:
    """Everything a person sees of one state."""

    word: str
    glyph: Glyph
    border: Border
    light: Colours
    dark: Colours


_RING = (
    "M 6 1.5 C 8.5 1.5 10.5 3.5 10.5 6 C 10.5 8.5 8.5 10.5 6 10.5 C 3.5 10.5 1.5 8.5 1.5 6 C 1.5 3.5 3.5 1.5 6 1.5 Z"
)
_QUARTER = "M 6 6 L 6 1.5 C 8.5 1.5 10.5 3.5 10.5 6 Z"
_TRIANGLE = "M 2.5 1 L 11 6 L 2.5 11 Z"
_HOURGLASS = "M 2 1 L 10 1 L 10 2.5 L 7 6 L 10 9.5 L 10 11 L 2 11 L 2 9.5 L 5 6 L 2 2.5 Z"
_BARS = "M 2.5 1.5 L 5 1.5 L 5 10.5 L 2.5 10.5 Z M 7 1.5 L 9.5 1.5 L 9.5 10.5 L 7 10.5 Z"
_QUESTION = "M 3.2 3.9 C 3.2 0.6 8.8 0.6 8.8 3.8 C 8.8 5.8 6 5.7 6 7.9 M 6 10.4 L 6 10.5"
_TICK = "M 1.5 6.5 L 4.7 9.7 L 10.5 2.5"
_CROSS = "M 2.2 2.2 L 9.8 9.8 M 9.8 2.2 L 2.2 9.8"

SIGNS: Final = {
    "user": "M -3.3 -3 C -3.3 -7.4 3.3 -7.4 3.3 -3 C 3.3 1.4 -3.3 1.4 -3.3 -3 Z M -7 8 C -7 0.6 7 0.6 7 8 Z",
    "start": "M -3.5 -5.5 L 6 0 L -3.5 5.5 Z",
    "end": "M -5 -5 L 5 -5 L 5 5 L -5 5 Z",
}
"""What stands in the small round markers, drawn around its middle."""


class NodeState(Enum):
    """What an agent is doing, as a person would say it.

    Examples
    --------
    >>> [state.word for state in NodeState]
    ['idle', 'ready', 'running', 'waits', 'paused', 'asks you', 'done', 'failed']
    """

    IDLE = "idle"
    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    ASKING = "asking"
    DONE = "done"
    FAILED = "failed"

    @property
    def look(self) -> Look:
        """Everything a person sees of this state."""
        return LOOKS[self]

    @property
    def word(self) -> str:
        """The state in one or two words."""
        return self.look.word

    @property
    def glyph(self) -> str:
        """One character for text."""
        return self.look.glyph.char

    @property
    def ascii(self) -> str:
        """One ASCII character for plain terminals."""
        return self.look.glyph.ascii

    @property
    def path(self) -> str:
        """The glyph as a path in a box of 12 by 12."""
        return self.look.glyph.path

    @property
    def border(self) -> Border:
        """How the outline is drawn."""
        return self.look.border

    @property
    def light(self) -> Colours:
        """Colours on a light ground; every saved picture uses these."""
        return self.look.light

    @property
    def dark(self) -> Colours:
        """Colours on a dark ground."""
        return self.look.dark


LOOKS: Final[dict[NodeState, Look]] = {
    NodeState.IDLE: Look(
        "idle",
        Glyph("○", ".", _RING),
        Border(1.0),
        Colours("#F3F4F6", "#6B7280", "#374151"),
        Colours("#1F2937", "#9CA3AF", "#E5E7EB"),
    ),
    NodeState.READY: Look(
        "ready",
        Glyph("◔", "o", f"{_RING} {_QUARTER}"),
        Border(1.0, "4 3"),
        Colours("#E0E7FF", "#4F46E5", "#312E81"),
        Colours("#1E1B4B", "#A5B4FC", "#E0E7FF"),
    ),
    NodeState.RUNNING: Look(
        "running",
        Glyph("▶", ">", _TRIANGLE, filled=True),
        Border(3.0),
        Colours("#DBEAFE", "#1D4ED8", "#1E3A8A"),
        Colours("#172554", "#60A5FA", "#DBEAFE"),
    ),
    NodeState.WAITING: Look(
        "waits",
        Glyph("⧗", "~", _HOURGLASS, filled=True),
        Border(2.0, "7 4"),
        Colours("#F3E8FF", "#7E22CE", "#581C87"),
        Colours("#3B0764", "#D8B4FE", "#F3E8FF"),
    ),
    NodeState.PAUSED: Look(
        "paused",
        Glyph("‖", "=", _BARS, filled=True),
        Border(2.0, "2 3"),
        Colours("#FEF3C7", "#B45309", "#78350F"),
        Colours("#451A03", "#FBBF24", "#FEF3C7"),
    ),
    NodeState.ASKING: Look(
        "asks you",
        Glyph("?", "?", _QUESTION),
        Border(3.0, "", "double"),
        Colours("#FCE7F3", "#BE185D", "#831843"),
        Colours("#500724", "#F9A8D4", "#FCE7F3"),
    ),
    NodeState.DONE: Look(
        "done",
        Glyph("✓", "+", _TICK),
        Border(1.0),
        Colours("#DCFCE7", "#15803D", "#14532D"),
        Colours("#052E16", "#4ADE80", "#DCFCE7"),
    ),
    NodeState.FAILED: Look(
        "failed",
        Glyph("✗", "x", _CROSS),
        Border(3.0, "", "cut"),
        Colours("#FEE2E2", "#B91C1C", "#7F1D1D"),
        Colours("#450A0A", "#F87171", "#FEE2E2"),
    ),
}
"""The look of each state."""

_PRESSING: Final = (
    NodeState.FAILED,
    NodeState.ASKING,
    NodeState.RUNNING,
    NodeState.WAITING,
    NodeState.PAUSED,
    NodeState.READY,
    NodeState.DONE,
    NodeState.IDLE,
)


@dataclass(frozen=True)
class NodeView:
    """What one node shows.

    Parameters
    ----------
    state : NodeState
        The state of the agent; of the most pressing branch if there are several.
    detail : str
        A few words under the name, such as ``2 of 4`` or ``0:06``; else the word for the state stands there.
    counts : mapping of NodeState to int
        How many branches are in each state; shown instead of the detail.

    Examples
    --------
    >>> NodeView(NodeState.RUNNING, counts={NodeState.DONE: 212, NodeState.RUNNING: 3}).spoken
    '3 running, 212 done'
    """

    state: NodeState
    detail: str = ""
    counts: Mapping[NodeState, int] = field(default_factory=dict)

    @property
    def pressing(self) -> tuple[tuple[NodeState, int], ...]:
        """The counts that are not zero, the most pressing state first."""
        return tuple((state, self.counts[state]) for state in _PRESSING if self.counts.get(state))

    @property
    def spoken(self) -> str:
        """What a screen reader says after the name."""
        if self.pressing:
            return ", ".join(f"{n} {state.value}" for state, n in self.pressing)
        return f"{self.state.value}, {self.detail}" if self.detail else self.state.value
