"""The findings of the doctor by their codes: how bad each is, its title, and how it is mended.

What a setting is called stands here as Genesys's administration calls it. Every code is stable:
pipelines go by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.domain.finding import Feature, Finding, Severity

_OK, _INFO = Severity.OK, Severity.INFO
_WARNING, _ERROR = Severity.WARNING, Severity.ERROR
_SETTING: Final = "In Genesys Admin, Message > Messenger Configurations: "
_DEPLOYMENT: Final = "In Genesys Admin, Message > Messenger Deployments: "
_NEW_VERSION: Final = " Publish a new version and assign it to the deployment."


@dataclass(frozen=True, slots=True)
class _Words:
    severity: Severity
    feature: Feature
    title: str
    fix: str | None = None
    broken: bool = False


WORDS: Final[Mapping[str, _Words]] = {
    "configuration_read": _Words(
        _OK, Feature.CONFIGURATION, "The public configuration could be read"
    ),
    "configuration_not_found": _Words(
        _ERROR,
        Feature.CONNECTION,
        "Genesys publishes no such deployment",
        "Compare deploymentId and domain with the deployment in Genesys Admin, Message > Messenger "
        "Deployments.",
        broken=True,
    ),
    "configuration_host_unknown": _Words(
        _ERROR,
        Feature.CONNECTION,
        "The domain does not exist",
        "Set the domain of your Genesys region, such as mypurecloud.de.",
        broken=True,
    ),
    "domain_not_allowed": _Words(
        _ERROR,
        Feature.CONNECTION,
        "This broker talks to no such domain",
        "Set the domain of your Genesys region, such as mypurecloud.de; or ask whoever runs this "
        "broker to name yours in BROKER_ALLOW_DOMAINS.",
        broken=True,
    ),
    "configuration_unreachable": _Words(
        _WARNING,
        Feature.CONFIGURATION,
        "The public configuration could not be read now",
        "Try again. If it stays so, see that this broker may reach Genesys over HTTPS.",
    ),
    "configuration_malformed": _Words(
        _WARNING,
        Feature.CONFIGURATION,
        "The public configuration is not as documented",
        "Publish the configuration again; if that does not help, tell who runs this broker.",
    ),
    "deployment_active": _Words(_OK, Feature.CONNECTION, "The deployment is active"),
    "deployment_inactive": _Words(
        _ERROR,
        Feature.CONNECTION,
        "The deployment is not active",
        _DEPLOYMENT + "set the status to active.",
        broken=True,
    ),
    "deployment_status_untold": _Words(
        _INFO, Feature.CONNECTION, "The configuration does not say whether the deployment is active"
    ),
    "messaging_off": _Words(
        _ERROR,
        Feature.CONNECTION,
        "Messaging is turned off",
        _SETTING + "turn messaging on." + _NEW_VERSION,
        broken=True,
    ),
    "endpoint_matches": _Words(
        _OK, Feature.CONNECTION, "The domain is the one where the deployment lives"
    ),
    "endpoint_differs": _Words(
        _WARNING,
        Feature.CONNECTION,
        "The deployment seems to live in another region",
        "Set the domain of the region that the configuration names.",
    ),
    "disconnect_read_only": _Words(
        _OK, Feature.ENDING, "The end of a conversation is told, and closes the session"
    ),
    "disconnect_send": _Words(
        _OK, Feature.ENDING, "The end of a conversation is told, and leaves the session open"
    ),
    "disconnect_off": _Words(
        _WARNING,
        Feature.ENDING,
        "Nobody is told when an agent ends the conversation",
        _SETTING + "turn Conversation Disconnect on." + _NEW_VERSION,
        broken=True,
    ),
    "clear_on": _Words(_OK, Feature.CLEAR, "Guests may clear the conversation"),
    "clear_off": _Words(
        _WARNING,
        Feature.CLEAR,
        "Guests may not clear the conversation",
        _SETTING + "turn Clear Conversation on." + _NEW_VERSION,
        broken=True,
    ),
    "auto_start_on": _Words(
        _OK, Feature.AUTO_START, "A conversation starts before the first message"
    ),
    "auto_start_off": _Words(_OK, Feature.AUTO_START, "The first message starts a conversation"),
    "auto_start_differs": _Words(
        _WARNING,
        Feature.AUTO_START,
        "autoStart here differs from the deployment's own setting",
        "Set autoStart of this deployment to null, so that the broker goes by Genesys's setting.",
    ),
    "origins_all": _Words(_OK, Feature.CONNECTION, "Every origin is allowed"),
    "origin_allowed": _Words(_OK, Feature.CONNECTION, "The origin is allowed"),
    "origin_missing": _Words(
        _WARNING,
        Feature.CONNECTION,
        "Domains are restricted, and no origin is set here",
        "Set origin to a page of an allowed domain, such as https://www.example.com.",
    ),
    "origin_not_allowed": _Words(
        _ERROR,
        Feature.CONNECTION,
        "The origin is not allowed",
        "Set origin to a page of an allowed domain, or add its domain to the deployment in Genesys "
        "Admin, Message > Messenger Deployments.",
        broken=True,
    ),
    "origins_none": _Words(
        _ERROR,
        Feature.CONNECTION,
        "No origin is allowed at all",
        _DEPLOYMENT + "allow all domains, or add yours.",
        broken=True,
    ),
    "origins_unreadable": _Words(
        _WARNING, Feature.CONNECTION, "The allowed domains could not be read now", "Try again."
    ),
    "origins_malformed": _Words(
        _WARNING,
        Feature.CONNECTION,
        "The list of allowed domains is not as documented",
        "Save the deployment again; if that does not help, tell who runs this broker.",
    ),
    "typing_on": _Words(_OK, Feature.TYPING, "Typing is shown both ways"),
    "typing_off": _Words(
        _INFO,
        Feature.TYPING,
        "Typing is not shown both ways",
        _SETTING + "turn the typing indicators on." + _NEW_VERSION,
    ),
    "attachments_by_profile": _Words(
        _OK, Feature.ATTACHMENTS, "A supported-content profile decides about attachments"
    ),
    "attachments_by_configuration": _Words(
        _OK, Feature.ATTACHMENTS, "The configuration decides about attachments"
    ),
    "attachments_off": _Words(
        _WARNING,
        Feature.ATTACHMENTS,
        "Attachments are turned off",
        _SETTING + "turn attachments on." + _NEW_VERSION,
        broken=True,
    ),
    "media_allowed": _Words(_OK, Feature.ATTACHMENTS, "Guests may send files"),
    "media_untold": _Words(
        _INFO, Feature.ATTACHMENTS, "Genesys does not say which files a guest may send"
    ),
    "media_none": _Words(
        _WARNING,
        Feature.ATTACHMENTS,
        "No file may be sent",
        "In Genesys Admin, Message > Supported Content: allow inbound types in the profile of the "
        "deployment.",
        broken=True,
    ),
    "session_lifetime": _Words(_OK, Feature.SESSION_LIFETIME, "A quiet session stays for a while"),
    "session_lifetime_short": _Words(
        _WARNING,
        Feature.SESSION_LIFETIME,
        "A quiet session expires soon",
        _SETTING + "lengthen the session duration." + _NEW_VERSION,
    ),
    "session_lifetime_untold": _Words(
        _INFO, Feature.SESSION_LIFETIME, "The configuration does not say how long a session lasts"
    ),
    "headless_on": _Words(_OK, Feature.CONFIGURATION, "Headless mode is on"),
    "headless_off": _Words(_OK, Feature.CONFIGURATION, "Headless mode is off"),
    "locale_listed": _Words(_OK, Feature.LOCALE, "The locale is one of the deployment's languages"),
    "locale_not_listed": _Words(
        _INFO,
        Feature.LOCALE,
        "The locale is none of the deployment's languages",
        _SETTING + "add the language, or set another locale here.",
    ),
    "locale_unset": _Words(_INFO, Feature.LOCALE, "No locale is set"),
    "authentication_on": _Words(_INFO, Feature.AUTHENTICATION, "Guests may sign in"),
    "authentication_off": _Words(_INFO, Feature.AUTHENTICATION, "All guests are anonymous"),
    "platform_works": _Words(_OK, Feature.CONVERSATION_IDS, "Conversation ids can be looked up"),
    "platform_missing": _Words(
        _WARNING,
        Feature.CONVERSATION_IDS,
        "Conversation ids stay unknown",
        "Make an OAuth client (client credentials) in Genesys with a role that has "
        "conversation:webmessaging:view, and set platform of this deployment.",
        broken=True,
    ),
    "platform_refused": _Words(
        _ERROR,
        Feature.CONVERSATION_IDS,
        "Genesys refuses the OAuth client",
        "Compare client id and secret with the OAuth client in Genesys, and the domain with its "
        "region; set platform again.",
        broken=True,
    ),
    "platform_forbidden": _Words(
        _ERROR,
        Feature.CONVERSATION_IDS,
        "The OAuth client may not look up messages",
        "Give the OAuth client a role that has conversation:webmessaging:view.",
        broken=True,
    ),
    "platform_unreachable": _Words(
        _WARNING, Feature.CONVERSATION_IDS, "The Platform API did not answer now", "Try again."
    ),
    "session_opened": _Words(_OK, Feature.CONNECTION, "A test session could be opened"),
    "limits_told": _Words(_OK, Feature.CONFIGURATION, "Genesys tells the limits of a session"),
    "limits_untold": _Words(
        _INFO, Feature.CONFIGURATION, "Genesys does not tell the limits of a session when asked"
    ),
    "routing_off": _Words(
        _WARNING,
        Feature.CONNECTION,
        "Genesys says that messages are not routed",
        _DEPLOYMENT + "assign an inbound message flow, and see that the flow is published.",
    ),
    "session_closed": _Words(_OK, Feature.CONNECTION, "The test session was closed"),
    "session_left": _Words(
        _INFO, Feature.CONNECTION, "Genesys did not confirm that the test session is closed"
    ),
    "session_denied": _Words(
        _ERROR,
        Feature.CONNECTION,
        "Genesys denies connections",
        "Check the deployment id, that the deployment is active, its allowed domains and the "
        "origin set here.",
        broken=True,
    ),
    "session_refused": _Words(
        _ERROR,
        Feature.CONNECTION,
        "Genesys refuses sessions of this deployment",
        "Check the deployment id and the domain.",
        broken=True,
    ),
    "session_throttled": _Words(
        _WARNING,
        Feature.CONNECTION,
        "Genesys lets nobody more in for the moment",
        "Try again in a minute.",
    ),
    "session_failed": _Words(
        _WARNING,
        Feature.CONNECTION,
        "Genesys could open no session just now",
        "Try again; the broker does so by itself with the sessions of callers.",
    ),
    "session_unanswered": _Words(
        _ERROR,
        Feature.CONNECTION,
        "No session came about",
        "Try again. If it stays so, see that this broker may reach Genesys over WebSockets.",
        broken=True,
    ),
    "session_not_tried": _Words(
        _WARNING,
        Feature.CONNECTION,
        "No test session was opened",
        "Try again in a minute; GET /v1/listeners shows what may still be opened.",
    ),
}


def found(code: str, detail: str) -> Finding:
    """The finding of that code with what was seen."""
    words = WORDS[code]
    return Finding(
        code=code,
        severity=words.severity,
        title=words.title,
        detail=detail,
        feature=words.feature,
        fix=words.fix,
        broken=words.broken,
    )
