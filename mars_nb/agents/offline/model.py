"""The offline model: a small, honest worker that needs no key, no download and no network.

It is no language model: it understands nothing and invents nothing. It reads its instructions for what kind of work it
is to do, and does it with means that can be looked up and checked: the sentences it says are chosen by TextRank from
what it was given, whom it hands over to is told by shared words, what it calls tools with stands in the request, and
what it finds wrong with a text was counted. The same request gives the same response, on every machine, every time.

Examples
--------
>>> import asyncio
>>> from mars_nb.agents.dialogue import ModelRequest, UserSaid
>>> text = "Tides turn twice a day. My aunt likes green tea. Tides drive turbines in the bay. Ships avoid the turbines."
>>> request = ModelRequest("Summarise in one sentence.", (UserSaid(text),))
>>> response = asyncio.run(OfflineModel().respond(request, emit=lambda chunk: None))
>>> response.text, response.model, response.cost_usd
('Tides drive turbines in the bay.', 'offline', 0.0)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mars_nb.agents.dialogue import ModelResponse, ModelSaid
from mars_nb.agents.offline.brief import read
from mars_nb.agents.offline.calls import calls, lacking
from mars_nb.agents.offline.filling import completed
from mars_nb.agents.offline.moves import Reply, moved, ways_of
from mars_nb.agents.offline.summary import title
from mars_nb.agents.offline.words import joined, words

if TYPE_CHECKING:
    from mars_nb.agents.dialogue import Emit, ModelRequest, Turn

NAME = "offline"

ABOUT = "offline: no language model; key sentences by TextRank, keyword routing, tools by matching. No key, no network."
"""What the offline model is, in one line for a person."""

_CHUNK = re.compile(r"\s*\S{1,24}\s*|\s+")


class OfflineModel:
    """Answers requests by counting and choosing; remembers nothing, and is the same for everybody."""

    @property
    def name(self) -> str:
        """Who answers: always ``"offline"``."""
        return NAME

    async def respond(self, request: ModelRequest, *, emit: Emit) -> ModelResponse:
        """Answer one request.

        Parameters
        ----------
        request : ModelRequest
            Everything the model is told.
        emit : callable
            Takes the text word by word.

        Returns
        -------
        ModelResponse
            The same for the same request, at no cost; tokens are counted as 4/3 of the words.
        """
        text, called = replied(request)
        for chunk in _CHUNK.findall(text):
            emit(chunk)
        return ModelResponse(
            text=text,
            calls=called,
            n_input_tokens=_n_tokens(_read_by(request)),
            n_output_tokens=_n_tokens(f"{text} {_shown([call.arguments for call in called])}"),
            cost_usd=0.0,
            model=NAME,
        )

    def __repr__(self) -> str:
        return "OfflineModel()"


def replied(request: ModelRequest) -> Reply:
    """Decide what is said and called: tools first, then the form that was asked for, then the work of the role.

    Parameters
    ----------
    request : ModelRequest
        Everything the model is told.

    Returns
    -------
    Reply
        Text, calls, or both.
    """
    brief = read(request)
    if called := calls(brief, request.tools):
        return Reply("", called)
    if request.output is not None:
        material = joined(brief.facts) or brief.request
        return Reply(_shown(completed(request.output, material, asked=title(brief))))
    if not brief.facts and (lack := lacking(brief, request.tools)):
        return Reply(lack)
    return moved(brief, ways_of(request.tools, brief.preface))


def _read_by(request: ModelRequest) -> str:
    tools = [f"{tool.name} {tool.description} {_shown(tool.parameters)}" for tool in request.tools]
    return "\n".join([request.instructions, *map(_text_of, request.turns), *tools])


def _text_of(turn: Turn) -> str:
    if isinstance(turn, ModelSaid):
        return f"{turn.text} {_shown([call.arguments for call in turn.calls])}"
    return turn.content


def _n_tokens(text: str) -> int:
    return round(len(words(text)) * 4 / 3)


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
