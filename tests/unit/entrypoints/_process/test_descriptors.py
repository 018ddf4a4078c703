"""Links stay within what the operating system lets the process open."""

import json
import resource
import subprocess
import sys

import pytest

from service.entrypoints._process.descriptors import RESERVED, Room, room

ENDLESS = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "found"),
    [
        (4096, 4096, Room(limit=4096, links=800)),
        (ENDLESS, ENDLESS, Room(limit=ENDLESS, links=800)),
        (RESERVED + 1000, 4096, Room(limit=RESERVED + 1000, links=800)),
        (RESERVED + 999, 4096, Room(limit=4096, links=800)),
        (256, ENDLESS, Room(limit=RESERVED + 1000, links=800)),
        (256, RESERVED + 500, Room(limit=RESERVED + 500, links=400)),
        (64, 64, Room(limit=64, links=0)),
    ],
)
def test_the_limit_is_raised_as_far_as_it_must_and_can(soft: int, hard: int, found: Room) -> None:
    assert room(800, soft=soft, hard=hard) == found


def test_a_process_with_few_descriptors_says_how_many_links_it_takes() -> None:
    answer = _in_a_process_limited_to(RESERVED + 100)

    told = json.loads(answer.stderr)
    assert answer.stdout.split() == ["80", "80", str(RESERVED + 100)]
    assert told["event"] == "listener.links_limited"
    assert (told["wanted"], told["links"]) == (800, 80)


def test_a_process_without_descriptors_for_links_does_not_start() -> None:
    answer = _in_a_process_limited_to(RESERVED)

    assert answer.returncode != 0
    assert "file descriptors" in answer.stderr


def test_there_is_room_for_more_than_is_wanted() -> None:
    answer = _in_a_process_limited_to(RESERVED + 500, wanted=250)

    assert answer.stdout.split() == ["250", "400", str(RESERVED + 500)]
    assert answer.stderr == ""


def _in_a_process_limited_to(
    descriptors: int, *, wanted: int = 800
) -> "subprocess.CompletedProcess[str]":
    script = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, {descriptors}))
from service.entrypoints._process.descriptors import make_room
from service.observability import configure_logging
configure_logging("INFO", sys.stderr, human=False)
links = make_room({wanted})
print(links.claimed, links.most, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    return subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
