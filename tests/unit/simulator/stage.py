"""A world on a hand-moved clock, and clients that speak to it: the tool of these tests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from service.simulator.control import Control, Params
from service.simulator.deployments import DEFAULT_DEPLOYMENT_ID, Bot, Deployment
from service.simulator.events import (
    Accept,
    ConnectionLost,
    ConnectionRequested,
    ConnId,
    Event,
    FrameReceived,
    HttpReply,
    HttpRequested,
    Output,
    RequestId,
    SendFrame,
    StartTimer,
    TimerFired,
)
from service.simulator.knobs import Knobs
from service.simulator.settings import changed
from service.simulator.state import WorldConfig
from service.simulator.system import seeded
from service.simulator.world import World

START: Final = 1_900_000_000.0
D: Final = DEFAULT_DEPLOYMENT_ID
T: Final = "7f6c1f0e-4b7d-4a53-8a55-2f0e6f1f9c21"
ORIGIN: Final = "http://sim.test"

Frame = dict[str, Any]


@dataclass(slots=True)
class Stage:
    """One world. `outputs` keeps everything it ever did but its timers."""

    world: World
    now: float = START
    outputs: list[Output] = field(default_factory=list)
    timers: list[tuple[float, Any]] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: count(1))

    @property
    def control(self) -> Control:
        """The orders of a test."""
        return Control(self.order)

    def order(self, verb: str, params: Params) -> object:
        """Give an order; its outputs are played."""
        result, outputs = self.world.control(verb, params, self.now)
        self.play(outputs)
        return result

    def feed(self, event: Event) -> list[Output]:
        """Feed an event of now; return what the world does, without timers."""
        return self.play(self.world.handle(event, self.now))

    def play(self, outputs: list[Output]) -> list[Output]:
        """Keep timers aside and remember the rest."""
        done: list[Output] = [each for each in outputs if not isinstance(each, StartTimer)]
        starts = [each for each in outputs if isinstance(each, StartTimer)]
        self.timers += [(each.at, each.timer) for each in starts]
        self.outputs += done
        return done

    def advance(self, seconds: float) -> list[Output]:
        """Let time pass; return what the world does meanwhile."""
        end, done = self.now + seconds, []
        while self.timers and min(self.timers)[0] <= end:
            at, timer = min(self.timers)
            self.timers.remove((at, timer))
            self.now = max(self.now, at)
            done += self.feed(TimerFired(timer=timer))
        self.now = end
        return done

    def open(self, deployment: str = D, **headers: str) -> "Client":
        """Open a socket that must be accepted."""
        conn = ConnId(next(self.numbers))
        outputs = self.feed(upgrade(conn, deployment, headers))
        assert outputs == [Accept(conn=conn)]
        return Client(self, conn)

    def joined(self, token: str = T, deployment: str = D) -> "Client":
        """Open a socket and configure it."""
        client = self.open(deployment)
        client.configure(token, deploymentId=deployment)
        client.inbox()
        return client

    def http(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> HttpReply:
        """Make a request that is answered at once."""
        event = HttpRequested(
            request=RequestId(next(self.numbers)),
            method=method,
            path=path,
            origin=ORIGIN,
            query=query or {},
            headers=headers or {},
            body=body,
        )
        reply = self.feed(event)[-1]
        assert isinstance(reply, HttpReply)
        return reply


@dataclass(slots=True)
class Client:
    """A guest's socket."""

    stage: Stage
    conn: ConnId
    read: int = 0

    def send(self, action: str, **fields: object) -> list[Frame]:
        """Send a request; return the frames that this socket gets at once."""
        self.inbox()
        self.raw(json.dumps({"action": action, **fields}))
        return self.inbox()

    def raw(self, text: str) -> list[Output]:
        """Send any text."""
        return self.stage.feed(FrameReceived(conn=self.conn, text=text))

    def configure(self, token: str = T, **fields: object) -> Frame:
        """Send configureSession; return the last frame that comes back."""
        return self.send("configureSession", **{"deploymentId": D, "token": token, **fields})[-1]

    def say(self, text: str, token: str = T, **fields: object) -> list[Frame]:
        """Send a text message."""
        return self.send("onMessage", token=token, message={"type": "Text", "text": text}, **fields)

    def event(self, kind: str, token: str = T, **event: object) -> list[Frame]:
        """Send an event."""
        body = {"type": "Event", "events": [{"eventType": kind, **event}]}
        return self.send("onMessage", token=token, message=body)

    def presence(self, kind: str) -> list[Frame]:
        """Send a presence event."""
        return self.event("Presence", presence={"type": kind})

    def jwt(self, token: str = T) -> str:
        """Ask for a history bearer."""
        return str(self.send("getJwt", token=token)[-1]["body"]["jwt"])

    def history(self, token: str = T, **query: str) -> HttpReply:
        """Read history with a fresh bearer."""
        headers = {"authorization": f"bearer {self.jwt(token)}"}
        path = "/api/v2/webmessaging/messages"
        return self.stage.http("GET", path, query=query, headers=headers)

    def inbox(self) -> list[Frame]:
        """Return the frames that came since the last look."""
        mine = [
            json.loads(each.text)
            for each in self.stage.outputs
            if isinstance(each, SendFrame) and each.conn == self.conn
        ]
        fresh, self.read = mine[self.read :], len(mine)
        return fresh

    def lose(self) -> None:
        """Vanish."""
        self.stage.feed(ConnectionLost(conn=self.conn))


def upgrade(
    conn: ConnId, deployment: str = D, headers: Mapping[str, str] | None = None
) -> ConnectionRequested:
    """Build the request for an upgrade."""
    return ConnectionRequested(
        conn=conn,
        path="/v1",
        origin=ORIGIN,
        query={"deploymentId": deployment},
        headers=headers or {},
    )


def stage(*deployments: Deployment, seed: int = 1, **knobs: object) -> Stage:
    """Build a stage; without a deployment, one with the default id and no bot.

    Sockets live for ever unless the test says otherwise: most stories here are about sessions.
    """
    settings = {"idle_close_seconds": 0, "max_age_seconds": 0, **knobs}
    config = WorldConfig(
        deployments=deployments or (Deployment(bot=Bot.SILENT),), knobs=changed(Knobs(), settings)
    )
    return Stage(World(config, seeded(seed)))


def entities(reply: HttpReply) -> list[Frame]:
    """Read the entities of a history page."""
    found: list[Frame] = json.loads(reply.body)["entities"]
    return found


def classes(frames: list[Frame]) -> list[str]:
    """Name the classes of frames."""
    return [str(each["class"]) for each in frames]


def participants(conversation: Frame) -> list[Frame]:
    """Read the participants of a conversation."""
    found: list[Frame] = conversation["participants"]
    return found
