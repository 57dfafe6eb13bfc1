"""The notebook of models does what it says: offline, and on a server with only the name of the model changed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbclient import NotebookClient

from mars_nb.agents.dialogue import ModelRequest, ModelSaid, ToolCall, ToolSaid, ToolSpec, UserSaid
from mars_nb.agents.offline.model import replied
from tests.models.server import Call, Calls, Say, serving

if TYPE_CHECKING:
    from mars_nb.agents.dialogue import Turn
    from tests.models.server import Answer

NOTEBOOK = Path(__file__).parent.parent.parent / "notebooks" / "02_models.ipynb"
MODEL = "openai:gpt-5-mini"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


async def executed(folder: Path, options: str = "") -> Any:
    """Run all cells; the options are all that is changed."""
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    cell = next(each for each in notebook.cells if each.id == "report")
    cell.source = cell.source.replace("%%mars report", f"%%mars report {options}".strip(), 1)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    await client.async_execute()
    return notebook


def shown(notebook: Any, cell_id: str) -> str:
    cell = next(each for each in notebook.cells if each.id == cell_id)
    bundles = [output.get("data", {}) for output in cell.outputs]
    return "\n".join(each.get("text/markdown", each.get("text/plain", "")) for each in bundles)


def thinking(body: dict[str, Any]) -> Answer:
    """Let the server think as the offline model does, from what came over the wire."""
    instructions = "\n\n".join(each["content"] for each in body["messages"] if each["role"] == "system")
    turns = [turn(each, body["messages"]) for each in body["messages"] if each["role"] != "system"]
    tools = [each["function"] for each in body.get("tools", [])]
    specs = [ToolSpec(each["name"], each["description"], each["parameters"]) for each in tools]
    reply = replied(ModelRequest(instructions, tuple(turns), tuple(specs)))
    if reply.calls:
        return Calls(tuple(Call(call.name, call.arguments) for call in reply.calls))
    return Say(reply.text)


def turn(message: dict[str, Any], messages: list[dict[str, Any]]) -> Turn:
    match message["role"]:
        case "user":
            return UserSaid(message["content"])
        case "tool":
            made = [call for each in messages for call in each.get("tool_calls") or ()]
            [name] = [call["function"]["name"] for call in made if call["id"] == message["tool_call_id"]]
            return ToolSaid(message["tool_call_id"], name, message["content"])
        case _:
            functions = [(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
            calls = [ToolCall(call_id, each["name"], json.loads(each["arguments"])) for call_id, each in functions]
            return ModelSaid(message.get("content") or "", tuple(calls))


async def test_the_report_is_the_same_offline_and_on_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARS_MODEL", raising=False)
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here = await executed(tmp_path / "here")
    async with serving(thinking) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-no-use")
        there = await executed(tmp_path / "there", f"-m {MODEL}")
    for notebook in (here, there):
        report = shown(notebook, "report")
        assert "Moon" in report
        assert "La Rance" in report
        assert "240 megawatts" in report
        picture = report.splitlines()[0]
        drafts = re.search(r"Writer x(\d)", picture)
        assert drafts, picture
        assert 2 <= int(drafts[1]) <= 3
        assert all(name in shown(notebook, "cost") for name in ("Researcher", "Analyst", "Writer", "Reviewer"))
    assert "model offline speaks for Researcher, Analyst, Writer, Reviewer" in shown(here, "report")
    assert f"model {MODEL} speaks for Researcher, Analyst, Writer, Reviewer" in shown(there, "report")
    assert answer(here) == answer(there)
    assert {body["model"] for body in server.bodies} == {"gpt-5-mini"}
    assert len(server.completed) == len(server.bodies) >= 7


def answer(notebook: Any) -> str:
    """Give the report as it is shown."""
    return shown(notebook, "report").partition("# ")[2].rpartition("Done · ")[0]


def test_the_notebook_is_kept_without_outputs_and_names_no_model_to_pay_for() -> None:
    notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert not any(MODEL in cell.source for cell in code)
