"""The use cases of guests who sign in."""

from service.ports import Ports
from service.usecases.authenticate_session import AuthenticateSession
from service.usecases.log_out_session import LogOutSession
from service.usecases.prove_login import ProveLogin
from service.usecases.waiting import Attending, Changing


def prove_login(ports: Ports) -> ProveLogin:
    """What takes a guest's login to Genesys."""
    return ProveLogin(login=ports.login, clock=ports.clock)


def authenticate_session(ports: Ports, change: Changing, attend: Attending) -> AuthenticateSession:
    """What signs a session's guest in."""
    return AuthenticateSession(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        change=change,
        attend=attend,
        prove=prove_login(ports),
    )


def log_out_session(ports: Ports, change: Changing, attend: Attending) -> LogOutSession:
    """What signs a session's guest out."""
    return LogOutSession(
        sessions=ports.sessions,
        tenants=ports.tenants,
        bell=ports.bell,
        clock=ports.clock,
        change=change,
        attend=attend,
    )
