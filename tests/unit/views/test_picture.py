from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mars_nb.views import picture
from mars_nb.views import svg as svg_writer
from mars_nb.views.layout import lay_out
from mars_nb.views.palette import NodeState, NodeView
from tests.unit.views.drawings import Drawing, Line, drawing, grouping, numbered

SVG = "{http://www.w3.org/2000/svg}"
FAN = drawing("User Planner North|South|East Merger Writer ~Reviewer User")
STATES = {
    "Planner": NodeView(NodeState.DONE),
    "North": NodeView(NodeState.DONE),
    "South": NodeView(NodeState.RUNNING, "0:06"),
    "East": NodeView(NodeState.RUNNING, "\u00d72"),
    "Merger": NodeView(NodeState.WAITING, "2 of 4"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "a & b",
    "]]>",
    "<!-- x -->",
    "&lt;b&gt;",
    "x" * 80,
    "\u202eevil",
    "שלום עולם",
    "\U0001f469\u200d\U0001f467\u200d\U0001f466" * 5,
    "研究者エージェント一号",
    "nul\x00bel\x07esc\x1b[31m",
    "line\nbreak\ttab",
    "$x^2$",
    "{braces} %s \\n",
    "\ud800",
    "",
]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own picture


def node_of(svg: str, name: str) -> ET.Element:
    (found,) = (group for group in parsed(svg).iter(f"{SVG}g") if group.get("data-node") == name)
    return found


def texts(element: ET.Element) -> list[str]:
    return [each.text or "" for each in element.iter(f"{SVG}text")]


def test_every_node_is_marked_with_its_name_and_state() -> None:
    marks = [(g.get("data-node"), g.get("data-state")) for g in parsed(picture.svg(FAN, STATES)).iter(f"{SVG}g")]
    assert ("South", "running") in marks
    assert ("Writer", "idle") in marks
    assert marks.count(("User", "idle")) == 2


def test_every_node_has_a_title_with_its_full_name_and_state() -> None:
    title = node_of(picture.svg(FAN, STATES), "Merger").find(f"{SVG}title")
    assert title is not None
    assert title.text == "Merger, waiting, 2 of 4"


def test_a_cut_name_is_whole_in_its_title() -> None:
    name = "AnExtraordinarilyLongNameWhichNobodyWouldEverTypeByHandTwice"
    group = node_of(picture.svg(drawing(f"A {name}")), name)
    assert any(text.endswith("…") for text in texts(group))
    assert group.findtext(f"{SVG}title") == name


def test_the_detail_stands_under_the_name_and_else_the_word_for_the_state() -> None:
    svg = picture.svg(FAN, STATES)
    assert texts(node_of(svg, "Merger")) == ["Merger", "2 of 4"]
    assert texts(node_of(svg, "North")) == ["North", "done"]


def test_without_states_there_are_names_and_no_glyphs() -> None:
    group = node_of(picture.svg(FAN), "Merger")
    assert texts(group) == ["Merger"]
    assert list(group.iter(f"{SVG}path")) == []


def test_counts_are_shown_with_their_glyphs() -> None:
    counts = {NodeState.DONE: 212, NodeState.RUNNING: 3, NodeState.WAITING: 1}
    group = node_of(picture.svg(FAN, {"North": NodeView(NodeState.RUNNING, counts=counts)}), "North")
    assert texts(group) == ["North", "3", "1", "212"]
    drawn = [path.attrib["d"] for path in group.iter(f"{SVG}path")]
    states = (NodeState.RUNNING, NodeState.RUNNING, NodeState.WAITING, NodeState.DONE)
    assert list(map(commands, drawn)) == [commands(state.path) for state in states]


def commands(path: str) -> list[str]:
    """Give what a path is made of, however it is written."""
    return re.findall(r"[A-Z]|[\d.]+", path)


def test_a_single_count_needs_no_second_glyph() -> None:
    view = NodeView(NodeState.DONE, counts={NodeState.DONE: 12})
    group = node_of(picture.svg(FAN, {"North": view}), "North")
    assert texts(group) == ["North", "\u00d712"]
    assert len(list(group.iter(f"{SVG}path"))) == 1


def test_turns_are_written_at_their_conversation() -> None:
    svg = picture.svg(FAN, STATES, turns={frozenset(("Reviewer", "Writer")): "1/3"})
    assert "1/3" in texts(parsed(svg))
    assert "Writer ↔ Reviewer, 1/3" in svg


def test_the_title_is_on_top() -> None:
    assert parsed(picture.svg(FAN, title="report")).findtext(f"{SVG}title") == "report"


def test_states_differ_in_more_than_colour() -> None:
    outlines = set()
    for state in NodeState:
        group = node_of(picture.svg(drawing("A B"), {"A": NodeView(state)}), "A")
        outlines.add(tuple(without_colour(part) for part in group.iter() if part.tag != f"{SVG}text"))
    assert len(outlines) == len(NodeState)


def without_colour(path: ET.Element) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in path.attrib.items() if key not in {"fill", "stroke", "data-state"})


def test_a_failed_node_has_a_cut_corner_and_an_asking_one_two_lines() -> None:
    failed = node_of(picture.svg(FAN, {"North": NodeView(NodeState.FAILED)}), "North").find(f"{SVG}path")
    asking = node_of(picture.svg(FAN, {"North": NodeView(NodeState.ASKING)}), "North")
    assert failed is not None
    assert "l10 10" in failed.attrib["d"]
    assert len(list(asking.iter(f"{SVG}rect"))) == 2


def test_the_picture_needs_nothing_that_sites_strip() -> None:
    svg = picture.svg(FAN, STATES, title="report")
    for banned in ("style", "class=", " id=", "<script", "href", "url(", "<image", "<foreignObject", "<use", " on"):
        assert banned not in svg
    assert "fill-opacity" not in svg


def test_glyphs_are_never_characters() -> None:
    svg = picture.svg(drawing("A"), {"A": NodeView(NodeState.RUNNING, counts=dict.fromkeys(NodeState, 1))})
    written = "".join(texts(parsed(svg)))
    assert not any(state.glyph in written for state in NodeState if state is not NodeState.ASKING)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    drawn = Drawing((name, "B"), (Line(name, "B", bidirectional=True),))
    views = {name: NodeView(NodeState.RUNNING, name)}
    svg = picture.svg(drawn, views, turns={frozenset((name, "B")): name}, title=name)
    allowed = {f"{SVG}{tag}" for tag in ("svg", "title", "rect", "g", "path", "text")}
    assert {each.tag for each in parsed(svg).iter()} <= allowed
    assert not any(key.startswith("on") for each in parsed(svg).iter() for key in each.attrib)
    line = picture.text(drawn, views)
    assert line.isprintable() or "\u2068" in line or "\u200d" in line
    assert "\n" not in line


@settings(max_examples=20)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=6, unique=True))
def test_any_names_make_a_well_formed_picture(names: list[str]) -> None:
    lines = tuple(Line(a, b) for a, b in pairwise(names))
    assert parsed(picture.svg(Drawing(tuple(names), lines), {names[0]: NodeView(NodeState.DONE)})).tag == f"{SVG}svg"


@settings(max_examples=10)
@given(st.text(max_size=40), st.dictionaries(st.sampled_from(list(NodeState)), st.integers(0, 10**12)))
def test_any_detail_and_counts_make_a_well_formed_picture(detail: str, counts: dict[NodeState, int]) -> None:
    assert parsed(picture.svg(FAN, {"South": NodeView(NodeState.RUNNING, detail, counts)})).tag == f"{SVG}svg"


def test_states_do_not_move_anything() -> None:
    def places(svg: str) -> list[str]:
        return re.findall(r'viewBox="[^"]*"|<rect x=[^>]* rx="7"', svg)

    assert places(picture.svg(FAN)) == places(picture.svg(FAN, STATES))


def test_the_text_reads_from_left_to_right() -> None:
    assert picture.text(FAN, STATES) == (
        "✓ Planner → ✓ North, ▶ South (0:06), ▶ East x2 → ⧗ Merger 2/4 → ○ Writer → ○ Reviewer"
    )


def test_the_text_can_be_ascii() -> None:
    assert picture.text(FAN, STATES, ascii=True) == (
        "+ Planner -> + North, > South (0:06), > East x2 -> ~ Merger 2/4 -> . Writer -> . Reviewer"
    )


def test_the_text_without_states_is_names() -> None:
    assert picture.text(drawing("A B|C")) == "A → B, C"


def test_the_text_shows_counts() -> None:
    counts = {NodeState.RUNNING: 3, NodeState.DONE: 212}
    assert picture.text(drawing("A B"), {"B": NodeView(NodeState.RUNNING, counts=counts)}) == "○ A → ▶ B ▶3 ✓212"


def test_the_text_of_many_agents_is_a_summary() -> None:
    drawn = drawing("Hub " + "|".join(f"s{i}" for i in range(60)))
    assert picture.text(drawn) == "61 agents in 2 layers"
    assert picture.text(drawn, {"s7": NodeView(NodeState.FAILED), "Hub": NodeView(NodeState.DONE)}) == (
        "61 agents in 2 layers: ✗1 ✓1 ○59: ✗ s7"
    )


def test_a_bundle_holds_svg_and_text_and_nothing_that_hides_them() -> None:
    bundle = picture.mimebundle(FAN, STATES, title="report")
    assert list(bundle) == ["image/svg+xml", "text/plain"]
    assert bundle["image/svg+xml"] == picture.svg(FAN, STATES, title="report")


def many(name: str, n: int) -> Drawing:
    """Give a large topology with about ``n`` agents."""
    agents = [f"Agent{i}" for i in range(n)]
    spread = numbered(n, [(i, min(n - 1, i + 1 + (i * 7919) % 41), i % 5 == 0) for i in range(2 * n)])
    return {
        "chain": drawing("User " + " ".join(agents) + " User"),
        "hub": drawing("User Hub ~" + "|".join(agents), "Hub User"),
        "map and reduce": drawing("User Map " + "|".join(agents) + " Reduce User"),
        "any": spread,
        "alone": Drawing(tuple(agents)),
    }[name]


BUSY = {NodeState.DONE: 212, NodeState.RUNNING: 13, NodeState.FAILED: 7}


@pytest.mark.parametrize("n", [30, 40, 60, 80, 150, 1_000, 2_000, 20_000])
@pytest.mark.parametrize("kind", ["chain", "hub", "map and reduce", "any", "alone"])
def test_no_picture_floods_a_notebook(kind: str, n: int) -> None:
    drawn = many(kind, n)
    states = {name: NodeView(NodeState.FAILED, counts=BUSY) for name in drawn.nodes}
    turns = {frozenset((line.source, line.target)): "12/20" for line in drawn.edges if line.bidirectional}
    bundle = picture.mimebundle(drawn, states, turns=turns, title="report")
    assert len(bundle["image/svg+xml"].encode()) <= picture.LARGEST_BYTES
    assert len(bundle["text/plain"].encode()) <= 4_000
    assert float(parsed(bundle["image/svg+xml"]).attrib["width"]) <= 900


def test_forty_agents_are_all_drawn() -> None:
    for kind in ("chain", "hub", "map and reduce", "any"):
        svg = picture.svg(many(kind, 40))
        assert {f"Agent{i}" for i in range(40)} <= set(texts(parsed(svg))) or kind == "any"
        assert svg.count("data-box") >= 40


def test_a_thousand_spokes_are_one_box_with_counts() -> None:
    drawn = many("hub", 1_000)
    svg = picture.svg(drawn, {"Hub": NodeView(NodeState.DONE), "Agent7": NodeView(NodeState.FAILED)})
    assert texts(node_of(svg, "layer 2: 1,000 agents")) == ["layer 2:", "1,000 agents", "1", "999"]
    assert texts(node_of(svg, "Hub")) == ["Hub", "done"]
    assert svg.count('data-node="User"') == 2


def test_a_long_chain_is_drawn_in_a_few_pieces() -> None:
    nodes = [group.get("data-node") for group in parsed(picture.svg(many("chain", 1_000))).iter(f"{SVG}g")]
    assert [name for name in nodes if name][:2] == ["User", "layers 1\u2013125: 125 agents"]
    assert len([name for name in nodes if name]) == 10


def test_what_is_not_connected_at_all_is_one_box_too() -> None:
    assert texts(node_of(picture.svg(many("alone", 2_500)), "layer 1: 2,500 agents")) == ["layer 1:", "2,500 agents"]


def test_beyond_ten_thousand_nodes_there_is_one_box() -> None:
    svg = picture.svg(many("chain", 20_000), {"Agent0": NodeView(NodeState.FAILED)})
    assert texts(node_of(svg, "20,001 nodes")) == ["20,001 nodes", "1", "20000"]


def test_a_frame_is_drawn_around_agents_that_are_taken_together() -> None:
    svg = picture.svg(grouping(FAN, {"North", "South"}))
    (frame,) = [group for group in parsed(svg).iter(f"{SVG}g") if group.get("data-frame")]
    assert frame.findtext(f"{SVG}title") == "in parallel: North, South"


def test_a_picture_is_the_same_in_another_process() -> None:
    code = (
        "from tests.unit.views.test_picture import FAN, STATES; from mars_nb.views import picture;"
        "import hashlib; print(hashlib.sha256(picture.svg(FAN, STATES).encode()).hexdigest())"
    )
    digests = {subprocess.check_output([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}) for seed in "12"}
    assert len(digests) == 1


def test_drawing_loads_no_heavy_library() -> None:
    code = (
        "from mars_nb.views import picture; import sys;"
        "print([name for name in ('IPython', 'matplotlib', 'pandas', 'networkx', 'numpy') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_piece_says_what_part_it_is_so_that_a_live_view_can_give_it_another_colour() -> None:
    counts = {NodeState.DONE: 2, NodeState.FAILED: 1}
    states = {**STATES, "North": NodeView(NodeState.FAILED, counts=counts), "South": NodeView(NodeState.ASKING)}
    root = parsed(picture.svg(FAN, states, turns={frozenset(("Reviewer", "Writer")): "1/3"}))
    painted = [each for each in root.iter() if each.get("fill") or each.get("stroke")]
    parts = {each.get("data-part") or ("node" if each.get("data-node") else "nameless") for each in painted}
    assert parts == {"ground", "edges", "head", "node", "box", "inner", "glyph", "sign", "label"}


def test_a_count_shows_its_own_state_and_not_that_of_its_node() -> None:
    counts = {NodeState.DONE: 2, NodeState.FAILED: 1}
    group = node_of(picture.svg(FAN, {"North": NodeView(NodeState.FAILED, counts=counts)}), "North")
    glyphs = [each for each in group if each.get("data-part") == "glyph"]
    assert [each.get("data-state") for each in glyphs] == ["failed", "failed", "done"]


def test_a_picture_says_in_which_direction_it_reads() -> None:
    assert parsed(picture.svg(FAN)).get("data-flow") == "across"
    assert parsed(picture.svg(drawing("a b c d e f g h i j k"))).get("data-flow") == "down"


def test_each_box_and_the_turns_can_be_drawn_alone_and_are_the_same_as_in_the_whole() -> None:
    turns = {frozenset(("Reviewer", "Writer")): "1/3"}
    drawn = lay_out(FAN)
    pieces = [*svg_writer.node_groups(drawn, STATES), svg_writer.turns_group(drawn, turns)]
    assert [ET.fromstring(piece).get("data-box") for piece in pieces] == [*map(str, range(9)), None]  # noqa: S314
    assert all(piece in picture.svg(FAN, STATES, turns=turns) for piece in pieces)
