"""The quickstart, without a browser: run it, print its report and its timeline, keep it as a notebook and as a page.

``make demo`` calls this. It ends with 0 when every cell did what it should, and else with 1 and the reason.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import DictLoader
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "00_quickstart.ipynb"
OUT = ROOT / "out"
CELL_TIMEOUT_S = 120
KERNEL_ERROR_LEVEL = 40

# Asked of the kernel after the last cell, and not kept: the tables of the notebook are made for a page, not a terminal.
QUESTION = """
table = report.timeline()
table["starts_s"] = (table["started_at"] - table["started_at"].min()).dt.total_seconds()
columns = ["branch_id", "agent", "step", "starts_s", "duration_s", "status"]
print(table[columns].to_string(index=False, float_format="{:.3f}".format))
"""

# The pictures themselves, not copies of them, so that a reader can hover and search; and nothing from the network.
PAGE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block data_svg -%}<div class="jp-OutputArea-output">{{ output.data['image/svg+xml'] }}</div>{%- endblock -%}
{%- block data_png -%}{{ super() | replace('<img ', '<img alt="chart" ') }}{%- endblock -%}
"""


def execute(notebook: Any) -> str:
    """Run all cells in a fresh kernel, and give the timeline of the report as text."""
    question = nbformat.v4.new_code_cell(QUESTION)
    notebook.cells.append(question)
    with tempfile.TemporaryDirectory(prefix="mars-demo-") as folder:  # where its sessions are kept while it runs
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            extra_arguments=[f"--IPKernelApp.log_level={KERNEL_ERROR_LEVEL}"],
        )
        try:
            # In a loop that is closed afterwards; nbclient's own would be left open.
            asyncio.run(client.async_execute())
        finally:
            notebook.cells.remove(question)
    return printed(question)


def report_of(notebook: Any) -> str:
    """Give the report: the answer below the cell ``%%mars report``."""
    outputs = cell(notebook, "report").outputs
    answers = [output.data["text/plain"] for output in outputs if "text/markdown" in output.get("data", {})]
    if len(answers) != 1:
        raise ValueError(f"the cell 'report' shows {len(answers)} answers; expected one")
    return str(answers[0])


def cell(notebook: Any, cell_id: str) -> Any:
    """Give the cell of an id."""
    found = [each for each in notebook.cells if each.id == cell_id]
    if not found:
        raise ValueError(f"the notebook has no cell {cell_id!r}")
    return found[0]


def printed(code_cell: Any) -> str:
    """Give what a cell printed."""
    return "".join(output.text for output in code_cell.outputs if output.get("name") == "stdout").rstrip()


def aligned(text: str) -> str:
    """Give Markdown with the columns of its one table below each other."""
    lines = text.splitlines()
    rows = {n: [part.strip() for part in line.strip("|").split("|")] for n, line in enumerate(lines) if line[:1] == "|"}
    widths = [max(map(len, column)) for column in zip(*rows.values(), strict=True)]
    for n, row in rows.items():
        parts = [part.ljust(width, "-" if set(part) == {"-"} else " ") for part, width in zip(row, widths, strict=True)]
        lines[n] = f"| {' | '.join(parts)} |"
    return "\n".join(lines)


def keep(notebook: Any, folder: Path) -> list[Path]:
    """Write the notebook with its outputs, and as a page that needs no network; give the places."""
    folder.mkdir(parents=True, exist_ok=True)
    exporter = HTMLExporter(extra_loaders=[DictLoader({"page.html.j2": PAGE})], template_file="page.html.j2")
    page, _ = exporter.from_notebook_node(notebook, {"metadata": {"name": "mars_nb: quickstart"}})
    executed, html = folder / NOTEBOOK.name, folder / NOTEBOOK.with_suffix(".html").name
    nbformat.write(notebook, executed)
    html.write_text(page, "utf-8")
    return [executed, html]


def show(title: str, text: str) -> None:
    """Print a part of the demonstration."""
    print(f"{title}\n{'-' * len(title)}\n{text}\n")


def reason(error: Exception) -> str:
    """Say in a line why the demonstration failed."""
    if isinstance(error, CellExecutionError):
        return f"a cell raised {error.ename}: {error.evalue}"
    return f"{type(error).__name__}: {str(error).strip()}"


def main(source: Path = NOTEBOOK, folder: Path = OUT) -> int:
    """Run the demonstration; give the exit code."""
    notebook = nbformat.read(source, as_version=4)
    failure = ""
    try:
        timeline = execute(notebook)
        show("The report", aligned(report_of(notebook)))
        show("What the Reviewer said to the first draft", printed(cell(notebook, "objection")))
        show("The timeline, in seconds", timeline)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, ValueError) as error:
        failure = reason(error)
    executed, page = keep(notebook, folder)
    print(f"The notebook with all outputs:  {executed}\nThe same as a page to look at:  {page}")
    if failure:
        print(f"The demonstration failed: {failure}", file=sys.stderr)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
