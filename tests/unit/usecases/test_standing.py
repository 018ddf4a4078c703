"""What is known to work is told from what is not, by the last attempt alone."""

from service.domain.ids import EndpointId
from service.usecases.standing import Standing

HOOK, OTHER, THIRD = EndpointId("whk_1"), EndpointId("whk_2"), EndpointId("whk_3")


def test_the_last_attempt_decides_and_nobody_is_good_unseen() -> None:
    standing = Standing()

    assert not standing.is_good(HOOK)
    standing.failed(HOOK)
    standing.took(HOOK)
    standing.took(OTHER)
    assert (standing.is_good(HOOK), standing.is_good(OTHER)) == (True, True)
    standing.failed(HOOK)
    assert (standing.is_good(HOOK), standing.is_good(OTHER)) == (False, True)


def test_whoever_took_nothing_for_longest_is_forgotten_first() -> None:
    standing = Standing(most=2)

    for name in (HOOK, OTHER, HOOK, THIRD):
        standing.took(name)

    assert [standing.is_good(name) for name in (HOOK, OTHER, THIRD)] == [True, False, True]
