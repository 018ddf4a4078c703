"""A broker without a listener, as on Lambda before one starts: every visit is the request's own."""

import asyncio
import signal

import uvloop

from service.api.app import create_app
from service.bootstrap import assemble, local_ports
from service.config import LocalSettings
from service.entrypoints._local.web import WebServer


async def serve() -> None:
    """Serve until SIGTERM."""
    settings = LocalSettings.read()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    opened = await local_ports(settings)
    assembly = assemble(settings, opened.ports)
    if settings.admin_key is not None:
        await assembly.ensure_admin_key(settings.admin_key.get_secret_value())
    web = WebServer(create_app(assembly.broker), port=0)
    await web.start()
    print(f"ready http://127.0.0.1:{web.port}", flush=True)
    await stopping.wait()
    await web.stop()
    await opened.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
