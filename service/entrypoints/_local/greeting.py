"""What a local broker prints once it serves: what to open, and a `curl` to paste into a shell."""

from typing import Final

OPEN_A_SESSION: Final = """{"deployment":"simulator","message":{"text":"Hello"}}"""


def greeting(address: str, *, made_up_key: str | None, simulator: str | None) -> str:
    """The lines; `made_up_key` is shown, one that was given is left to the shell's variable."""
    lines = [f"console    {address}/console", f"API        {address}/docs"]
    if simulator is not None:
        lines.append(f"simulator  {simulator} (deployment: simulator)")
    if made_up_key is not None:
        lines.append(f"admin key  {made_up_key}")
    # Double quotes: the shell has to put the variable's value there.
    bearer = f'-H "Authorization: Bearer {made_up_key or "$BROKER_ADMIN_KEY"}"'
    if simulator is None:
        return "\n".join([*lines, f"try        curl -s {address}/v1/deployments {bearer}"])
    return "\n".join(
        [
            *lines,
            f'try        curl -s "{address}/v1/sessions?wait=10" \\',
            f'             {bearer} -H "Content-Type: application/json" \\',
            f"             -d '{OPEN_A_SESSION}'",
        ]
    )
