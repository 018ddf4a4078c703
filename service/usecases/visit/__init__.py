"""The visit: the one routine that brings a session to where it should be, whoever runs it."""

from service.usecases.visit.desk import Tools
from service.usecases.visit.inbox import HandOverAsked, Inbox, LeaveAsked, Nudged, TypingWanted
from service.usecases.visit.run import Visit
from service.usecases.visit.stay import Stay

__all__ = [
    "HandOverAsked",
    "Inbox",
    "LeaveAsked",
    "Nudged",
    "Stay",
    "Tools",
    "TypingWanted",
    "Visit",
]
