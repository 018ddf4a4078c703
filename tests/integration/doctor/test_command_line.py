"""The doctor's command line against a simulator: what it says, and how it ends."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.entrypoints._doctor.arguments import SECRET
from service.entrypoints.doctor import main
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Bot, Deployment
from service.simulator.server import SimulatorServer
from service.simulator.state import WorldConfig
from tests.support.machine import PATIENCE

ROOT = Path(__file__).parents[3]
NOBODY = "http://127.0.0.1:1"
ID = DEFAULT_DEPLOYMENT_ID


@pytest_asyncio.fixture(name="sim")
async def _sim() -> AsyncIterator[SimulatorServer]:
    config = WorldConfig(deployments=(Deployment(bot=Bot.SILENT),))
    async with SimulatorServer(config, seed=1) as sim:
        yield sim


async def _asked(
    capsys: pytest.CaptureFixture[str], origin: str, *words: str, **environment: str
) -> tuple[int, str]:
    """The exit status, and what was printed. It has a loop of its own, so it gets a thread."""
    told = ["--deployment-id", ID, "--endpoint", origin, *words]
    status = await asyncio.to_thread(main, told, environment)
    return status, capsys.readouterr().out


async def test_a_deployment_in_order(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = await _asked(capsys, sim.origin, "--session")

    assert status == 0
    assert text.startswith(f"Deployment {ID} at {sim.origin}\n")
    assert "  The deployment is active [deployment_active]\n    Its status is Active.\n" in text
    assert "A test session could be opened [session_opened]" in text
    assert "Genesys tells the limits of a session [limits_told]" in text
    assert "will not work: conversationIds (not counted).\n" in text
    assert sim.control.connections() == []
    assert sim.control.transcript() == []


@pytest.mark.parametrize(
    ("wrong", "accepted", "status"),
    [
        ({"disconnect": "Off"}, [], 1),
        ({"disconnect": "Off"}, ["ending"], 0),
        ({"clear": False}, ["ending"], 1),
        ({"clear": False, "disconnect": "Off"}, ["ending", "clear"], 0),
        ({"active": False}, [], 1),
        ({"files_status": 503}, [], 1),
        ({"files_status": 503}, ["configuration"], 1),
        ({"files_status": 503}, ["configuration", "connection"], 0),
        ({"files_broken": True}, [], 1),
        ({"auto_start": True}, [], 0),
    ],
)
async def test_what_breaks_a_feature_makes_the_status(
    sim: SimulatorServer,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, Any],
    accepted: list[str],
    status: int,
) -> None:
    sim.control.deployment(ID, **wrong)
    options = [word for feature in accepted for word in ("--accept", feature)]

    found, text = await _asked(capsys, sim.origin, *options)

    assert found == status
    assert "No session was tried" in text


async def test_the_worst_comes_first_with_how_to_mend_it(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sim.control.deployment(ID, active=False, clear=False)
    _, text = await _asked(capsys, sim.origin)

    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[1:5] == ["Broken", "To be mended", "Good to know", "In order"]
    assert text.index("[deployment_inactive]") < text.index("[clear_off]")
    assert "    To mend it: In Genesys Admin, Message > Messenger Deployments: set the " in text
    assert headings[-1] == (
        "Features of the broker that will not work: connection, clear, "
        "conversationIds (not counted)."
    )


async def test_all_that_is_asked_for_works(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--platform-client-id", "simulator", "--locale", "en-us")
    status, text = await _asked(capsys, sim.origin, *words, **{SECRET: "simulator-secret"})

    assert status == 0
    assert "[platform_works]" in text
    assert text.endswith("All features of the broker will work.\n")
    assert "simulator-secret" not in text


async def test_credentials_that_are_refused_count(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--platform-client-id", "simulator", "--json")
    status, text = await _asked(capsys, sim.origin, *words, **{SECRET: "a-wrong-secret"})

    body = json.loads(text)
    assert status == 1
    assert body["notWorking"] == ["conversationIds"]
    assert "platform_refused" in {each["code"] for each in body["findings"]}
    assert body["session"] is None
    assert "a-wrong-secret" not in text


async def test_what_could_not_be_told_is_not_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = await _asked(capsys, NOBODY)

    assert status == 1
    assert "not be told now whether all features work: configuration_unreachable, ori" in text


async def test_trouble_that_passes_is_not_in_order_either(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sim.control.fault("deny_handshake", status=503)

    status, text = await _asked(capsys, sim.origin, "--session")

    assert status == 1
    assert "not be told now whether all features work: session_failed.\n" in text


async def test_nor_does_it_count_where_that_feature_is_accepted(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sim.control.fault("deny_handshake", status=503)

    status, text = await _asked(capsys, sim.origin, "--session", "--accept", "connection")

    assert status == 0
    assert "whether all features work: session_failed (not counted)." in text
    assert "All features of the broker will work." not in text


@pytest.mark.parametrize("how", ["deny", "unknown class"])
async def test_a_session_that_is_odd_is_told(
    sim: SimulatorServer, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    if how == "deny":
        sim.control.fault("deny_handshake", status=429)
    else:
        sim.control.fault("unknown_class", text="Fireworks")

    status, text = await _asked(capsys, sim.origin, "--session")

    assert status == int(how == "deny")
    assert ("[session_throttled]" in text) is (how == "deny")
    assert ("does not know: class:Fireworks." in text) is (how == "unknown class")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "--deployment-id"),
        (["--deployment-id", "a b", "--domain", "mypurecloud.de"], "--deployment-id: is not a"),
        (["--deployment-id", ID], "needs either --domain or --endpoint"),
        (["--deployment-id", ID, "--domain", "x"], "--domain: is a domain such as"),
        (["--deployment-id", ID, "--domain", "a.de"], "--domain: is a domain of Genesys Cloud"),
        (["--deployment-id", ID, "--endpoint", "ftp://x"], "--endpoint: is one origin"),
        (
            ["--deployment-id", ID, "--domain", "mypurecloud.de", "--origin", "x"],
            "--origin: is an origin",
        ),
        (
            ["--deployment-id", ID, "--domain", "mypurecloud.de", "--platform-client-id", "c"],
            SECRET,
        ),
        (["--deployment-id", ID, "--domain", "mypurecloud.de", "--accept", "magic"], "--accept"),
        (["--deployment-id", ID, "--domain", "mypurecloud.de", "--sess"], "--sess"),
    ],
)
def test_a_command_line_that_makes_no_sense(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words, {})

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_domain_that_the_broker_will_allow(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--deployment-id", ID, "--domain", "a.de", "--ca-file", str(tmp_path / "none")]

    assert main(words, {"BROKER_ALLOW_DOMAINS": "b.de,a.de"}) == 2
    assert "--ca-file: no certificates in" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(words, {"BROKER_ALLOW_DOMAINS": "*"})
    assert ended.value.code == 2
    assert "BROKER_ALLOW_DOMAINS: '*' is no domain" in capsys.readouterr().err


def test_a_file_of_authorities_that_is_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [
        "--deployment-id",
        ID,
        "--domain",
        "mypurecloud.de",
        "--ca-file",
        str(tmp_path / "none"),
    ]

    assert main(words, {}) == 2
    assert "--ca-file: no certificates in" in capsys.readouterr().err


async def test_as_a_process_against_a_simulator_of_its_own() -> None:
    """Without what only brokers need, and with statuses that a pipeline sees."""
    broken = '{"id":"broken","clear":false}'
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.simulator"),
        *("--deployment", ID, "--deployment", broken),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
        origin = line.split()[1].replace("ws://", "http://").partition("/v1")[0]
        fine, broke, wrong = await asyncio.gather(
            _run("--deployment-id", ID, "--endpoint", origin, "--session"),
            _run("--deployment-id", "broken", "--endpoint", origin),
            _run("--endpoint", origin),
        )
    finally:
        process.terminate()
        await process.wait()

    assert [fine[0], broke[0], wrong[0]] == [0, 1, 2]
    assert "[session_closed]" in fine[1]
    assert "[clear_off]" in broke[1]
    assert fine[2] == broke[2] == ""


async def _run(*words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.entrypoints.doctor", *words),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_letters_that_the_terminal_does_not_have_break_nothing(sim: SimulatorServer) -> None:
    sim.control.deployment(ID, languages=("fran\u00e7ais",))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service.entrypoints.doctor", "--deployment-id", ID),
        *("--endpoint", sim.origin, "--locale", "de"),
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
    assert b"de is none of: fran\\xe7ais." in out
