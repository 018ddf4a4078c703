"""Timers fire in order of time, and of id when times are equal."""

from service.simulator.deployments import Deployment
from service.simulator.events import ConnId, FrameReceived, Output, SendFrame
from service.simulator.pump import Pump
from service.simulator.state import WorldConfig
from service.simulator.system import seeded
from service.simulator.world import World
from tests.unit.simulator.stage import START, D, T, upgrade


class Shell:
    """A shell that only writes down."""

    def __init__(self) -> None:
        self.now = START
        self.done: list[Output] = []
        self.wakes: list[float] = []
        world = World(WorldConfig(deployments=(Deployment(),)), seeded(1))
        self.pump = Pump(
            world, now=lambda: self.now, wake_at=self.wakes.append, carry_out=self.done.append
        )


def test_frames_of_one_instant_leave_in_their_order() -> None:
    shell = Shell()
    shell.pump.order("knobs", {"answer_delay_seconds": 0.5})
    shell.pump.feed(upgrade(ConnId(1)))
    text = f'{{"action":"configureSession","deploymentId":"{D}","token":"{T}"}}'
    shell.pump.feed(FrameReceived(conn=ConnId(1), text=text))
    for number in range(10):
        shell.pump.order("say", {"token": T, "text": f"m{number}"})
    shell.now += 0.5

    shell.pump.fire_due()

    sent = [each.text for each in shell.done if isinstance(each, SendFrame)]
    assert len(sent) == 11
    assert all(f'"text":"m{number}"' in sent[number + 1] for number in range(10))


def test_the_shell_is_woken_for_the_earliest_timer_only() -> None:
    shell = Shell()
    shell.pump.feed(upgrade(ConnId(1)))

    assert shell.wakes == [START + 7200, START + 600]
    shell.now += 600
    shell.pump.fire_due()
    assert shell.wakes[-1] == START + 7200
