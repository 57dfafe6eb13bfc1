"""What a cell shows: the picture, the answer, and one line of what to do next.

The picture lives under one display id and is repainted while the run goes on. The answer is an output of its own. An
agent may have been told by a web page what to say, so nothing in an answer is trusted: no tag, no image that would be
fetched, no link that is a program, no character that a terminal obeys.

Examples
--------
>>> safe_markdown("<b>hi</b> ![cat](http://x/cat.png)")
'&lt;b>hi&lt;/b> [image: cat] http://x/cat.png'
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

from IPython.display import display

from mars_nb.agents.content import is_table
from mars_nb.agents.replies import headed
from mars_nb.views.labels import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.display_functions import DisplayHandle

    from mars_nb.jupyter.runs import Run

View = Literal["live", "static", "none"]
Format = Literal["md", "text", "json"]

FOLD_LENGTH = 4_000
"""Characters of an answer that a cell shows."""
CELL_WIDTH = 80
"""Characters of a table's cell that are shown."""
N_ROWS = 20

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
# A tag begins with a letter or a sign; what comes before a space, a digit, "=" or "-" is "less than" in every parser.
_TAG = re.compile(r"<(?![\s=\d-])")
_IMAGE = re.compile(r"!+\[([^\]\[]*)\]\(\s*([^\s)]*)[^)\n]*\)")
_OTHER_IMAGE = re.compile(r"!+\[")
_LINK = re.compile(r"\](\(|:)(\s*)([^\s)]*)")
_HARMLESS = re.compile(r"(?i)https?://|mailto:|#")
_MAY_HIDE_SCHEME = re.compile(r"[:&\\]")


class Text(str):
    """Text that shows itself as it is, as the value of a cell."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def show_answer(run: Run, form: Format = "md") -> None:
    """Show the answer of a run, in an output of its own; nothing when there is none."""
    if run.final_response is not None:
        show_bundle(answer_bundle(run, form))


def show_line(text: str) -> None:
    """Show one line of text."""
    show_bundle({"text/plain": clean(text)})


def show_bundle(bundle: Mapping[str, str], *, display_id: bool = False) -> DisplayHandle | None:
    """Show something by media type; give the handle that repaints it, if it gets an id."""
    handle: DisplayHandle | None = display(  # type: ignore[no-untyped-call]  # IPython
        dict(bundle), raw=True, display_id=display_id or None
    )
    return handle


def answer_bundle(run: Run, form: Format = "md") -> dict[str, str]:
    """Give the answer of a run as a notebook shows it.

    Parameters
    ----------
    run : Run
        It has ended.
    form : {"md", "text", "json"}
        Markdown and text, or text alone, or the JSON of the answer as text; a table in it has columns, index and data.

    Returns
    -------
    dict of str to str
        By media type; cut at 4,000 characters.
    """
    if form == "json":
        return {"text/plain": folded(_json(run.final_response), run.name)}
    plain = {"text/plain": folded(answer_text(run, is_fenced=False), run.name)}
    return plain if form == "text" else {"text/markdown": safe_markdown(folded(answer_text(run), run.name)), **plain}


def answer_text(run: Run, *, is_fenced: bool = True) -> str:
    """Give the answer of a run as one text: several answers with headings, tables and JSON perhaps in a fence."""
    answer = run.final_response
    responses = run.responses
    if len(responses) > 1 and isinstance(answer, dict) and answer.keys() == responses.keys():
        return headed({name: _content_text(each, is_fenced=is_fenced) for name, each in responses.items()})
    return _content_text(answer, is_fenced=is_fenced)


def folded(text: str, name: str) -> str:
    """Clean a text for a terminal and cut it where a notebook would be flooded."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n"))
    if len(plain) <= FOLD_LENGTH:
        return plain
    return f"{plain[:FOLD_LENGTH]}…\n\n({len(plain) - FOLD_LENGTH:,} characters more: {name}.final_response)"


def safe_markdown(text: str) -> str:
    """Make Markdown harmless: no HTML, nothing that is fetched, no link but to the web and by mail.

    Parameters
    ----------
    text : str
        Markdown that somebody else wrote.

    Returns
    -------
    str
        Markdown that shows the same words.
    """
    plain = _TAG.sub("&lt;", text)
    plain = _IMAGE.sub(r"[image: \1] \2", plain)
    plain = _OTHER_IMAGE.sub(r"!\\[", plain)
    return _LINK.sub(_disarmed, plain)


def _disarmed(link: re.Match[str]) -> str:
    """Take the meaning from a link whose address could name a scheme such as ``javascript:``, however written."""
    mark, space, address = link.groups()
    if _HARMLESS.match(address) or not _MAY_HIDE_SCHEME.search(address):
        return link[0]
    return f"]\\{mark}{space}{address}"


def _content_text(content: Any, *, is_fenced: bool) -> str:
    if isinstance(content, str):
        return content
    kind, text = ("text", _table_text(content)) if is_table(content) else ("json", _json(content))
    return f"```{kind}\n{text}\n```" if is_fenced else text


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, default=_split)


def _split(table: Any) -> Any:
    """Give a table as JSON that `pandas.read_json` reads with ``orient="split"``."""
    return json.loads(table.to_json(orient="split", date_format="iso"))


def _table_text(table: Any) -> str:
    import pandas as pd

    frame = table.to_frame() if isinstance(table, pd.Series) else table
    text: str = frame.head(N_ROWS).to_string(max_colwidth=CELL_WIDTH)
    return text if len(frame) <= N_ROWS else f"{text}\n({len(frame):,} rows)"
