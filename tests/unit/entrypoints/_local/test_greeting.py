"""What a local broker prints is right to paste."""

import shlex

from service.entrypoints._local.greeting import greeting

ADDRESS = "http://127.0.0.1:8080"
SIMULATOR = "http://127.0.0.1:9000"


def test_a_key_that_was_made_up_is_shown_and_stands_in_the_curl() -> None:
    told = greeting(ADDRESS, made_up_key="gsb_1", simulator=SIMULATOR)

    assert "admin key  gsb_1" in told.splitlines()
    assert "Authorization: Bearer gsb_1" in shlex.split(told)


def test_a_key_that_was_given_is_not_shown_but_read_from_the_shell() -> None:
    told = greeting(ADDRESS, made_up_key=None, simulator=SIMULATOR)

    assert "admin key" not in told
    # In single quotes the shell would leave the name as it stands.
    assert '"Authorization: Bearer $BROKER_ADMIN_KEY"' in told


def test_an_address_with_a_question_mark_is_quoted() -> None:
    told = greeting(ADDRESS, made_up_key=None, simulator=SIMULATOR)

    assert f'"{ADDRESS}/v1/sessions?wait=10"' in told


def test_without_a_simulator_nothing_is_tried_on_it() -> None:
    told = greeting(ADDRESS, made_up_key="gsb_1", simulator=None)

    assert "simulator" not in told
    assert f"{ADDRESS}/v1/deployments" in told
