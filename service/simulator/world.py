"""The simulated world: events in, outputs out.

No sockets, no clock, no randomness of its own: time comes with every event, chance at the start.
The same world runs under real sockets (`server`) and on a virtual clock (`in_process`).
"""

from typing import Final

from service.simulator.actions import receive
from service.simulator.answers import Answer, json_answer
from service.simulator.control import ControlError, Params
from service.simulator.events import (
    ConnectionLost,
    ConnectionRequested,
    Event,
    FrameReceived,
    HttpReply,
    HttpRequested,
    Output,
    TimerFired,
)
from service.simulator.ids import Chance
from service.simulator.lines import lost, request
from service.simulator.rest import answer_http
from service.simulator.shapes import JsonObject, parse_object
from service.simulator.state import WorldConfig, WorldState, fresh_state
from service.simulator.verbs import LOOKING, order

CONTROL_PATH: Final = "/__sim__/"


class World:
    """A simulated service. Feed it events with rising times and carry out what it returns."""

    def __init__(self, config: WorldConfig, chance: Chance) -> None:
        """Begin with the deployments and knobs of `config`; ids and draws come from `chance`."""
        self.state: WorldState = fresh_state(config, chance)

    def handle(self, event: Event, now: float) -> list[Output]:
        """Take one event at `now` (epoch seconds) and return what must be done, in order."""
        state = self.state
        state.now = max(now, state.now)
        match event:
            case ConnectionRequested():
                request(state, event)
            case FrameReceived(conn=conn, text=text) if conn in state.connections:
                receive(state, state.connections[conn], text)
            case ConnectionLost(conn=conn) if conn in state.connections:
                lost(state, state.connections[conn])
            case TimerFired(timer=timer) if timer in state.timers:
                state.timers.pop(timer)()
            case HttpRequested():
                self._http(event)
        return self._drain()

    def control(self, verb: str, params: Params, now: float) -> tuple[object, list[Output]]:
        """Carry out an order of a test. Raises `ControlError` when it makes no sense."""
        self.state.now = max(now, self.state.now)
        result = order(self.state, verb, params)
        return result, self._drain()

    def _drain(self) -> list[Output]:
        outputs, self.state.out = self.state.out, []
        return outputs

    def _http(self, event: HttpRequested) -> None:
        if event.path.startswith(CONTROL_PATH):
            self._reply(event, self._ordered(event))
            return
        answer = answer_http(self.state, event)
        if delay := self.state.knobs.rest_delay_seconds:
            self.state.after(delay, lambda: self._reply(event, answer))
        else:
            self._reply(event, answer)

    def _reply(self, event: HttpRequested, answer: Answer) -> None:
        self.state.emit(
            HttpReply(
                request=event.request,
                status=answer.status,
                headers=answer.headers,
                body=answer.body,
            )
        )

    def _ordered(self, event: HttpRequested) -> Answer:
        verb = event.path.removeprefix(CONTROL_PATH).strip("/").replace("-", "_")
        try:
            return json_answer(order(self.state, verb, _params(event, verb)))
        except ControlError as error:
            return json_answer({"error": str(error)}, error.status)


def _params(event: HttpRequested, verb: str) -> JsonObject:
    if event.method == "GET" and verb in LOOKING:
        return dict(event.query)
    if event.method != "POST":
        raise ControlError(405, "orders are given with POST")
    fields = parse_object(event.body or b"{}")
    if fields is None:
        raise ControlError(400, "the body must be a JSON object")
    return fields
