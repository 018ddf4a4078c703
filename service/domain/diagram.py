"""Draws the transition table as a Mermaid state diagram, so that no picture can tell another story.

It knows nothing but the table and prints nothing: that is for whoever wants the picture.
"""

from service.domain.lifecycle import TABLE
from service.domain.session import FINAL_STATES, State


def render() -> str:
    """The table as Mermaid `stateDiagram-v2`: one arrow for all events between two states."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        arrows.setdefault((row.state, row.to), []).append(row.event.__name__)
    drawn = [f"    {state} --> {to}: {', '.join(names)}" for (state, to), names in arrows.items()]
    starts = [f"    [*] --> {State.CREATED}"]
    ends = [f"    {state} --> [*]" for state in State if state in FINAL_STATES]
    return "\n".join(["stateDiagram-v2", *starts, *drawn, *ends]) + "\n"
