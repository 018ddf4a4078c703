"""An endpoint's health: what couriers may do, and how it goes down and comes back."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.domain.health import (
    GIVE_UP_ATTEMPTS,
    GIVE_UP_SECONDS,
    PROBE_FIRST,
    PROBE_LONGEST,
    PROBE_TAKES,
    RAMP_DOUBLINGS,
    RAMP_STEP,
    TROUBLE_FAILURES,
    Go,
    Health,
    Narrow,
    Probe,
    Stamp,
    Wait,
    blames_event,
    failed,
    forgotten,
    given_up_share,
    is_given_up,
    leave,
    paused,
    probe_interval,
    probing,
    succeeded,
    telling,
)
from service.domain.ids import SessionId
from service.domain.told import Stage, Told

NOW = 1_900_000_000.0
ONE, TWO, THREE = SessionId("ses_1"), SessionId("ses_2"), SessionId("ses_3")


def at(now: float = NOW) -> Stamp:
    return Stamp(by="us", at=now)


def after(*lanes: SessionId, health: Health | None = None, now: float = NOW) -> Health:
    health = health or Health()
    for lane in lanes:
        health = failed(health, lane, at(now), probed=True) or health
    return health


DOWN = after(ONE, TWO, ONE, TWO, ONE)


def test_one_lane_that_fails_says_nothing_of_the_endpoint() -> None:
    health = after(*[ONE] * 50)

    assert leave(health, now=NOW) == Go()
    assert (health.failed, health.lanes, health.version) == (50, (ONE,), 50)


def test_two_lanes_that_fail_five_times_in_a_row_are_trouble() -> None:
    health = after(ONE, ONE, ONE, TWO)
    assert leave(health, now=NOW) == Go()

    health = after(ONE, health=health)

    assert health.failed == TROUBLE_FAILURES
    assert leave(health, now=NOW) == Wait(NOW + PROBE_FIRST)
    assert leave(health, now=NOW + PROBE_FIRST) == Probe()


def test_a_success_in_between_makes_the_count_begin_anew() -> None:
    before = after(ONE, TWO, ONE, TWO)
    well = succeeded(before, at())

    assert well == Health(version=before.version + 1, by="us", changed_at=NOW)
    assert leave(after(ONE, TWO, health=well), now=NOW) == Go()


def test_no_more_lanes_are_remembered_than_prove_it() -> None:
    assert after(ONE, TWO, THREE).lanes == (ONE, TWO)


def test_while_one_probes_the_others_wait_and_a_probe_that_died_is_followed() -> None:
    now = NOW + PROBE_FIRST
    health = probing(DOWN, at(now))

    assert leave(health, now=now + PROBE_TAKES - 1) == Wait(now + PROBE_TAKES)
    assert leave(health, now=now + PROBE_TAKES) == Probe()


def test_probes_that_fail_are_further_and_further_apart() -> None:
    health, waits = DOWN, []
    for _ in range(12):
        health = after(ONE, health=health)
        assert health.probe_at is not None
        waits.append(health.probe_at - NOW)

    assert waits[:3] == [10, 20, 40]
    assert waits[-1] == PROBE_LONGEST
    assert probe_interval(10_000) == PROBE_LONGEST


def test_what_was_under_way_when_it_went_down_tells_nothing_new() -> None:
    assert failed(DOWN, THREE, at(), probed=False) is None


def test_an_endpoint_is_given_up_after_five_days_without_a_success() -> None:
    health = after(*[ONE] * GIVE_UP_ATTEMPTS)

    assert not is_given_up(health, now=NOW + GIVE_UP_SECONDS - 1)
    assert is_given_up(health, now=NOW + GIVE_UP_SECONDS)
    assert not is_given_up(after(ONE), now=NOW + 2 * GIVE_UP_SECONDS)
    assert not is_given_up(Health(), now=NOW)
    well = succeeded(health, at())
    assert well is not None
    assert well.failing_since is None


def test_a_scale_shortens_the_waits_between_probes() -> None:
    health = failed(DOWN, ONE, Stamp(by="us", at=NOW, stretch=0.01), probed=True)

    assert health is not None
    assert leave(health, now=NOW) == Wait(NOW + 0.1)


def test_once_a_probe_came_through_more_and_more_lanes_may_send() -> None:
    back = succeeded(DOWN, at())
    assert back is not None

    seen = [leave(back, now=NOW + RAMP_STEP * step) for step in range(RAMP_DOUBLINGS + 1)]

    assert seen == [*(Narrow(2**step) for step in range(RAMP_DOUBLINGS)), Go()]
    assert not back.is_well
    assert succeeded(back, at(NOW + 1)) is None
    end = NOW + RAMP_STEP * RAMP_DOUBLINGS
    well = Health(version=back.version + 1, by="us", changed_at=end)
    assert succeeded(back, at(end)) == well


def test_one_that_goes_down_on_its_way_up_waits_for_the_next_interval() -> None:
    health = after(ONE, health=after(ONE, health=DOWN))
    back = succeeded(health, at())
    assert back is not None

    once = failed(back, THREE, at(NOW + 1), probed=False)
    assert once is not None
    assert leave(once, now=NOW + 1) == Narrow(2)
    well = succeeded(once, at(NOW + 1))
    assert well is not None
    assert (well.failed, well.back_at, well.probes) == (0, NOW, 2)
    again = after(ONE, TWO, THREE, TWO, ONE, health=back, now=NOW + 1)

    assert again.probe_at == NOW + 1 + 40
    assert leave(again, now=NOW + 2) == Wait(NOW + 41)


def test_failures_among_successes_that_nobody_wrote_down_are_not_in_a_row() -> None:
    health = Health()
    for number in range(100):
        told = failed(
            health,
            (ONE, TWO, THREE)[number % 3],
            replace(at(NOW + number), succeeded_at=NOW + number - 0.5),
            probed=False,
        )
        assert told is not None
        health = told

    assert (health.failed, health.failing_since) == (1, NOW + 99)
    assert leave(health, now=NOW + 100) == Go()


def test_a_success_from_before_the_last_failure_changes_nothing() -> None:
    health = after(ONE, TWO, ONE, TWO)

    told = failed(health, ONE, replace(at(NOW + 1), succeeded_at=NOW - 1), probed=False)

    assert told is not None
    assert told.probe_at is not None


def test_a_pause_holds_everybody_and_the_longest_counts() -> None:
    health = paused(Health(), at(), until=NOW + 60)
    assert health is not None

    assert leave(health, now=NOW) == Wait(NOW + 60)
    assert leave(health, now=NOW + 60) == Go()
    assert paused(health, at(), until=NOW + 30) is None
    longer = paused(health, at(), until=NOW + 90)
    assert longer is not None
    assert longer.paused_until == NOW + 90


def test_a_pause_outlives_the_success_of_who_was_under_way() -> None:
    failing = after(ONE)
    health = paused(failing, at(), until=NOW + 60)
    assert health is not None

    well = succeeded(health, at(NOW + 1))

    assert well is not None
    assert (well.failed, leave(well, now=NOW + 2)) == (0, Wait(NOW + 60))


def test_an_event_is_to_blame_while_others_get_through_or_for_an_answer_that_lasts() -> None:
    alone = after(ONE, ONE)
    others_since = after(ONE, now=NOW + 60)

    assert not blames_event(alone, ONE, since=NOW, lasting=False)
    assert blames_event(alone, ONE, since=NOW, lasting=True)
    assert blames_event(others_since, ONE, since=NOW, lasting=False)


def test_no_event_is_to_blame_where_others_fail_or_the_endpoint_is_not_well() -> None:
    for health in (
        after(ONE, TWO, now=NOW + 60),
        after(TWO, now=NOW + 60),
        DOWN,
        succeeded(DOWN, at(NOW + 60)) or DOWN,
        Health(),
    ):
        assert not blames_event(health, ONE, since=NOW, lasting=True)


def test_a_receiver_that_dislikes_requests_is_not_down_and_back_if_it_was() -> None:
    health = after(ONE, ONE, TWO, TWO)
    for lane in (ONE, TWO, THREE):
        disliked = failed(health, lane, at(NOW + 9), probed=False, lasting=True)
        assert disliked is not None
        health = disliked
    assert leave(health, now=NOW + 9) == Go()
    assert (health.failed, health.lanes, health.failing_since) == (7, (ONE, TWO), NOW)

    first = failed(Health(), ONE, at(NOW + 9), probed=False, lasting=True)
    assert first is not None
    assert (first.failed, first.lanes, first.failing_since) == (1, (), NOW + 9)

    back = failed(DOWN, ONE, at(NOW + 9), probed=True, lasting=True)
    assert back is not None
    assert leave(back, now=NOW + 9) == Narrow(1)
    assert (back.failed, back.lanes, back.failing_since) == (6, (), NOW)
    assert failed(DOWN, ONE, at(NOW + 9), probed=False, lasting=True) is None


def test_a_health_is_forgotten_once() -> None:
    assert forgotten(DOWN, at(NOW + 1)) == Health(
        version=DOWN.version + 1, by="us", changed_at=NOW + 1
    )
    assert forgotten(Health(), at()) is None


def test_what_the_owner_was_told_outlives_the_trouble_and_costs_no_write() -> None:
    told = (Told(stage=Stage.DOWN, at=NOW),)
    down = telling(DOWN, at(NOW + 1), told)
    assert (down.told, down.version, down.changed_at) == (told, DOWN.version + 1, NOW + 1)

    row = telling(after(ONE), at(), told)
    well = succeeded(row, at(NOW + 2))
    assert well is not None
    assert (well.told, well.is_well) == (told, True)
    assert succeeded(well, at(NOW + 3)) is None
    forgot = forgotten(down, at(NOW + 4), down.told)
    assert forgot == Health(version=down.version + 1, by="us", changed_at=NOW + 4, told=told)
    assert forgotten(Health(), at(NOW), told) == Health(
        version=1, by="us", changed_at=NOW, told=told
    )


def test_the_share_of_the_way_to_being_given_up_is_that_of_time_or_attempts() -> None:
    health = after(*[ONE] * (GIVE_UP_ATTEMPTS // 2))

    assert given_up_share(health, now=NOW + GIVE_UP_SECONDS / 4) == 0.25
    assert given_up_share(health, now=NOW + GIVE_UP_SECONDS) == 0.5
    assert given_up_share(Health(), now=NOW) == 0.0


def test_a_pause_that_is_over_is_no_reason_to_write() -> None:
    health = paused(Health(), at(), until=NOW + 60)
    assert health is not None

    assert health.is_well
    assert succeeded(health, at(NOW + 61)) is None


@given(
    st.lists(st.tuples(st.sampled_from([ONE, TWO, THREE, None]), st.floats(0, 100)), max_size=40)
)
def test_whatever_happens_a_time_comes_when_somebody_may_try(
    story: list[tuple[SessionId | None, float]],
) -> None:
    health, now = Health(), NOW
    for lane, pause in story:
        now += pause
        if isinstance(leave(health, now=now), Probe):
            health = probing(health, at(now))
        before = health
        if lane is None:
            health = succeeded(health, at(now)) or health
        else:
            health = failed(health, lane, at(now), probed=True) or health
        assert health is before or health.version == before.version + 1

    assert not isinstance(leave(health, now=now + 2 * PROBE_LONGEST), Wait)


def dislike(health: Health, *lanes: SessionId, now: float = NOW) -> Health:
    for lane in lanes:
        health = failed(health, lane, at(now), probed=True, lasting=True) or health
    return health


def test_events_that_are_disliked_do_not_count_against_the_endpoint() -> None:
    health = after(TWO, THREE, health=dislike(Health(), *[ONE] * 9))

    assert (health.failed, health.row) == (11, 2)
    assert leave(health, now=NOW) == Go()


def test_a_receiver_that_dislikes_all_is_what_is_wrong_and_no_event_is() -> None:
    health = dislike(Health(), ONE, TWO)

    assert not blames_event(health, ONE, since=NOW, lasting=True)
    assert blames_event(dislike(Health(), ONE, ONE), ONE, since=NOW, lasting=True)


def test_an_outage_that_is_long_over_makes_no_later_one_longer() -> None:
    health = DOWN
    for _ in range(8):
        health = after(ONE, health=health)
    back = succeeded(health, at())
    assert back is not None
    later = NOW + 86_400

    alone = dislike(back, ONE, now=later)
    again = after(ONE, TWO, ONE, TWO, ONE, health=back, now=later)

    assert blames_event(alone, ONE, since=later, lasting=True)
    assert again.probe_at == later + PROBE_FIRST
