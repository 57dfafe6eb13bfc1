"""The quickstart does what it says: its report is true, its workers run together, and one draft was sent back."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import nbformat
import pandas as pd
import pytest
from vega_datasets import local_data

from notebooks import run_demo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

WORKERS = ["USA", "Europe", "Japan"]
SVG = {"image/svg+xml", "text/plain"}
MARKDOWN = {"text/markdown", "text/plain"}


class Quickstart:
    """The notebook after all of its cells have run, and the timeline of its report."""

    def __init__(self) -> None:
        self.notebook: Any = nbformat.read(run_demo.NOTEBOOK, as_version=4)
        self.timeline = pd.read_fwf(io.StringIO(run_demo.execute(self.notebook)))

    @property
    def code_cells(self) -> list[Any]:
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @property
    def report(self) -> str:
        return run_demo.report_of(self.notebook)

    def outputs(self, cell_id: str) -> list[Any]:
        return list(run_demo.cell(self.notebook, cell_id).outputs)

    def bundles(self, cell_id: str) -> list[set[str]]:
        """Give the media types of each output of a cell."""
        return [set(output.data) for output in self.outputs(cell_id) if "data" in output]

    def text(self, cell_id: str) -> str:
        """Give all that a cell shows, as text."""
        texts = [output.data["text/plain"] if "data" in output else output.text for output in self.outputs(cell_id)]
        return "\n".join(texts)


@pytest.fixture(scope="module")
def quickstart() -> Quickstart:
    return Quickstart()


@pytest.fixture(scope="module")
def cars() -> pd.DataFrame:
    """Read the table once more, without the cars whose mileage is unknown."""
    table = pd.read_json(local_data.cars.filepath)
    table["year"] = table["Year"].str[:4].astype(int)
    return table.dropna(subset="Miles_per_Gallon").rename(columns={"Miles_per_Gallon": "mpg", "Origin": "region"})


def reported(report: str) -> pd.DataFrame:
    """Read the table of a report."""
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in report.splitlines() if line[:1] == "|"]
    return pd.DataFrame(rows[2:], columns=rows[0]).set_index("region")


def test_the_report_gives_the_average_of_all_cars(quickstart: Quickstart, cars: pd.DataFrame) -> None:
    assert f"The average car went {cars['mpg'].mean():.1f} miles" in quickstart.report


def test_the_report_answers_the_question_that_was_asked(quickstart: Quickstart, cars: pd.DataFrame) -> None:
    question = f"How far did a gallon go between {cars['year'].min()} and {cars['year'].max()}, and who gained most?"
    early = cars[cars["year"] <= 1973].groupby("region")["mpg"].mean()
    late = cars[cars["year"] >= 1979].groupby("region")["mpg"].mean()
    most = str((late - early).idxmax())
    assert quickstart.report.startswith(f"### {question}")
    assert f"{most} gained most: from {early[most]:.1f} to {late[most]:.1f}." in quickstart.report


@pytest.mark.parametrize("region", WORKERS)
def test_each_row_of_the_report_says_what_the_data_say(quickstart: Quickstart, cars: pd.DataFrame, region: str) -> None:
    row = reported(quickstart.report).loc[region]
    mine = cars[cars["region"] == region]
    low, high = (float(bound) for bound in row["95 % interval"].split(" to "))
    assert row["cars"] == str(len(mine))
    assert row["mean mpg"] == f"{mine['mpg'].mean():.1f}"
    assert row["1970-73"] == f"{mine.loc[mine['year'] <= 1973, 'mpg'].mean():.1f}"
    assert row["1979-82"] == f"{mine.loc[mine['year'] >= 1979, 'mpg'].mean():.1f}"
    assert row["best car"] == mine.sort_values("mpg")["Name"].iloc[-1]
    assert low < mine["mpg"].mean() < high


def test_the_workers_run_at_the_same_time_in_branches_of_their_own(quickstart: Quickstart) -> None:
    steps = quickstart.timeline.set_index("agent").loc[WORKERS]
    ends = steps["starts_s"] + steps["duration_s"]
    assert list(steps["branch_id"]) == ["b0.0", "b0.1", "b0.2"]
    assert steps["starts_s"].max() < ends.min()


def test_the_reviewer_sends_the_report_back_exactly_once(quickstart: Quickstart) -> None:
    after_the_join = quickstart.timeline[quickstart.timeline["branch_id"] == "b0.jWriter"]
    assert list(after_the_join["agent"]) == ["Writer", "Reviewer", "Writer", "Reviewer"]


def test_the_objection_names_the_wrong_number_and_the_right_one(quickstart: Quickstart, cars: pd.DataFrame) -> None:
    average_of_averages = cars.groupby("region")["mpg"].mean().mean()
    objection = quickstart.text("objection")
    assert f"You say {average_of_averages:.1f} miles" in objection
    assert f"the {len(cars)} cars with a known mileage average {cars['mpg'].mean():.1f}" in objection


def test_without_a_reviewer_the_mistake_goes_out(quickstart: Quickstart, cars: pd.DataFrame) -> None:
    average_of_averages = cars.groupby("region")["mpg"].mean().mean()
    assert f"The average car went {average_of_averages:.1f} miles" in quickstart.text("pattern")


def test_a_run_shows_its_picture_then_its_answer_then_what_to_do_next(quickstart: Quickstart) -> None:
    assert quickstart.bundles("report") == [SVG, MARKDOWN, {"text/plain"}]
    assert "report.timeline()" in quickstart.outputs("report")[-1].data["text/plain"]


@pytest.mark.parametrize("cell_id", ["report", "topology", "pattern", "failure", "quorum"])
def test_a_picture_is_svg_and_text_and_nothing_that_could_hide_them(quickstart: Quickstart, cell_id: str) -> None:
    assert SVG in quickstart.bundles(cell_id)


def test_the_picture_of_the_readme_is_the_one_of_the_quickstart(quickstart: Quickstart) -> None:
    picture = (run_demo.ROOT / "docs" / "run.svg").read_text("utf-8")
    shown = re.compile(r'data-node="([^"]*)" data-state="([^"]*)"')
    assert shown.findall(picture) == shown.findall(quickstart.outputs("report")[0].data["image/svg+xml"])


def test_no_output_needs_a_widget(quickstart: Quickstart) -> None:
    shown = [bundle for cell in quickstart.code_cells for bundle in quickstart.bundles(cell.id)]
    assert not [kind for bundle in shown for kind in bundle if "widget" in kind]
    assert "widgets" not in quickstart.notebook.metadata


@pytest.mark.parametrize(
    ("cell_id", "told"),
    [
        ("typo", "mars: 'Planer' is no agent here; did you mean 'Planner'?"),
        ("failure", "mars: run 'with_sweden' failed: Sweden (b0.3#1) failed: ValueError: no car in the table"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_mend(quickstart: Quickstart, cell_id: str, told: str) -> None:
    errors = [output for output in quickstart.outputs(cell_id) if output.output_type == "error"]
    lines = [line for error in errors for part in error.traceback for line in part.splitlines()]
    assert len(lines) == 1
    assert lines[0].startswith(told)


def test_only_the_cells_that_show_an_error_end_with_one(quickstart: Quickstart) -> None:
    failed = [cell.id for cell in quickstart.code_cells if any(each.output_type == "error" for each in cell.outputs)]
    assert failed == ["typo", "failure"]


def test_nothing_is_written_to_stderr(quickstart: Quickstart) -> None:
    outputs = [output for cell in quickstart.code_cells for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_with_a_quorum_the_run_goes_on_and_says_who_is_missing(quickstart: Quickstart) -> None:
    answer = quickstart.outputs("quorum")[1].data["text/plain"]
    assert [line.partition(":")[0] for line in answer.splitlines()] == [
        *(f"- {region}" for region in WORKERS),
        "- Sweden is missing",
    ]


def test_the_notebook_is_committed_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(run_demo.NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.id for cell in cells if cell.outputs or cell.execution_count] == []


def test_the_demo_prints_the_same_report_and_says_what_it_wrote(
    quickstart: Quickstart, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_demo.main(folder=tmp_path) == 0
    printed, page = capsys.readouterr().out, (tmp_path / "00_quickstart.html").read_text("utf-8")
    assert run_demo.aligned(quickstart.report) in printed
    assert str(tmp_path / "00_quickstart.ipynb") in printed
    assert str(tmp_path / "00_quickstart.html") in printed
    assert nbformat.read(tmp_path / "00_quickstart.ipynb", as_version=4).cells[-1].id == "help"
    assert 'data-node="Reviewer" data-state="done"' in page
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)


def test_the_demo_says_why_it_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.ipynb"
    cells = [nbformat.v4.new_code_cell("1 / 0")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), broken)
    assert run_demo.main(broken, tmp_path) == 1
    assert "The demonstration failed: a cell raised ZeroDivisionError: division by zero" in capsys.readouterr().err
