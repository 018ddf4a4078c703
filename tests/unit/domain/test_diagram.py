"""The picture is the table, no more and no less."""

import re

from service.domain.diagram import render
from service.domain.lifecycle import TABLE


def test_every_row_is_drawn_once_and_nothing_else() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", render(), flags=re.MULTILINE)

    drawn = [(start, name, end) for start, end, names in arrows for name in names.split(", ")]

    assert sorted(drawn) == sorted(
        (row.state.value, row.event.__name__, row.to.value) for row in TABLE
    )
    assert len(arrows) == len({(start, end) for start, end, _ in arrows})


def test_it_says_where_stories_begin_and_end() -> None:
    lines = render().splitlines()

    assert lines[0] == "stateDiagram-v2"
    assert [line.strip() for line in lines if "[*]" in line] == [
        "[*] --> created",
        "ended --> [*]",
        "erased --> [*]",
    ]
