"""Trace contexts: what is taken from whoever calls, and what is passed on."""

import re

import pytest

from service.domain.trace import (
    Trace,
    trace_id,
    trace_of_header,
    trace_of_name,
    trace_of_xray,
    traceparent_of,
)

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
GIVEN = f"00-{ID}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (GIVEN, "01"),
        (f"00-{ID}-{SPAN}-00", "00"),
        (f" {GIVEN}\t", "01"),
        # Level 2 has a second flag; of flags that we do not know nothing is passed on.
        (f"00-{ID}-{SPAN}-03", "01"),
        (f"00-{ID}-{SPAN}-fe", "00"),
        # A later version may have more behind a dash.
        (f"cc-{ID}-{SPAN}-01", "01"),
        (f"cc-{ID}-{SPAN}-01-what-the-future-will-be-like", "01"),
    ],
)
def test_a_valid_traceparent_is_taken(header: str, flags: str) -> None:
    assert trace_of_header(header) == f"{ID}-{flags}"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        ID,
        f"00-{ID}-{SPAN}",
        f"00-{ID}-{SPAN}-1",
        f"{GIVEN}-",
        f"{GIVEN}-more",
        f"{GIVEN}0",
        f"ff-{ID}-{SPAN}-01",
        f"cc-{ID}-{SPAN}-01.more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID.upper()}-{SPAN}-01",
        f"00-{ID[:-1]}-{SPAN}-01",
        f"00-{ID}-{SPAN}-0g",
        f"0x-{ID}-{SPAN}-01",
        f"{GIVEN},{GIVEN}",
        f"{GIVEN}\n",
    ],
)
def test_an_invalid_traceparent_is_none(header: str) -> None:
    assert trace_of_header(header) is None


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "5759e988bd862e3fe1be46a994272793-01",
        ),
        # An HTTP API sends the root alone: nobody has decided, so our own log counts.
        ("Self=1; Root=1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793-01"),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?",
            "5759e988bd862e3fe1be46a994272793-01",
        ),
        (
            "Sampled=0; Root=1-5759e988-bd862e3fe1be46a994272793",
            "5759e988bd862e3fe1be46a994272793-00",
        ),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            "5759e988bd862e3fe1be46a994272793-00",
        ),
        ("Root=2-5759e988-bd862e3fe1be46a994272793", None),
        (f"Root=1-{'0' * 8}-{'0' * 24}", None),
        ("Root=1-5759e988-bd862e3fe1be46a99427279", None),
        ("", None),
    ],
)
def test_the_header_of_aws_names_the_same_id(header: str, trace: str | None) -> None:
    assert trace_of_xray(header) == trace


def test_what_nobody_caused_has_a_trace_that_follows_from_its_name() -> None:
    one, other = trace_of_name("evt_1"), trace_of_name("evt_2")

    assert one == trace_of_name("evt_1")
    assert one != other
    assert re.fullmatch("[0-9a-f]{32}-01", one)


def test_a_trace_is_passed_on_with_a_span_of_the_step() -> None:
    trace = Trace(f"{ID}-00")
    one, other = (traceparent_of(trace, span=each) for each in ("a", "b"))

    assert one != other
    assert trace_of_header(one) == trace_of_header(other) == trace
    assert one == traceparent_of(trace, span="a")
    assert trace_id(trace) == ID
