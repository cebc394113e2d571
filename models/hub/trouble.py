"""What a server answered instead of a file, in words for a person."""

from __future__ import annotations

import httpx
from huggingface_hub import hf_raise_for_status
from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError, RevisionNotFoundError

from models.errors import Unavailable
from models.hub.catalogue import File, Model
from models.hub.source import Source

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that may be another one in a moment
LONGEST_WAIT_S = 60.0

OTHER_WAY = (
    "A mirror may help (`--endpoint https://hf-mirror.com`), or files from another machine: "
    "`vigentd models add NAME PATH`."
)
THE_HUB = "Try without --endpoint and HF_ENDPOINT, which is huggingface.co itself, or another mirror."


class Passing(Exception):
    """It may well succeed when it is tried again.

    why: goes on after "HOST ". wait_s: what the server asks for, 0 when nothing.
    """

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.why, self.wait_s = why, wait_s


def refuse(response: httpx.Response, source: Source, model: Model, file: File) -> None:
    """Raises Passing, or Unavailable, unless the file is coming."""
    status = response.status_code
    if status < 400:
        return
    if status in PASSING:
        asked = response.headers.get("Retry-After", "")
        raise Passing(f"answered {status}", min(float(asked), LONGEST_WAIT_S) if asked.isdigit() else 0.0)
    reason = _reason(response)
    if isinstance(reason, GatedRepoError) or status == 403:
        raise _closed(source, model, status)
    if status == 401:
        raise _unknown_caller(source, model)
    if status in (404, 410):
        raise _not_there(source, model, file, reason)
    raise Unavailable(
        f"{source.host} does not give {model.repository}: it answered {status}",
        code="hub_refused",
        hint="Try again later. " + (OTHER_WAY if source.is_hub else THE_HUB),
    )


def _reason(response: httpx.Response) -> Exception | None:
    """What the hub's own library makes of it."""
    try:
        hf_raise_for_status(response)
    except Exception as e:  # of an answer in a form of its own it stumbles over the form
        return e
    return None


def _closed(source: Source, model: Model, status: int) -> Unavailable:
    return Unavailable(
        f"{source.host} does not let this account have {model.repository} ({status})",
        code="hub_forbidden",
        hint=f"Accept its terms at https://huggingface.co/{model.repository}, and give that account's token "
        "in HF_TOKEN."
        if source.is_hub
        else THE_HUB,
    )


def _unknown_caller(source: Source, model: Model) -> Unavailable:
    if source.token:
        return Unavailable(
            f"{source.host} does not accept the token in HF_TOKEN (401)",
            code="hub_unauthorized",
            hint="Make a new one at https://huggingface.co/settings/tokens, or unset HF_TOKEN: no model of "
            "vigentd needs one on the hub.",
        )
    return Unavailable(
        f"{source.host} wants to know who asks for {model.repository} (401)",
        code="hub_unauthorized",
        hint="Set HF_TOKEN to a token of https://huggingface.co/settings/tokens."
        if source.is_hub
        else THE_HUB,
    )


def _not_there(source: Source, model: Model, file: File, reason: Exception | None) -> Unavailable:
    what = model.repository
    if isinstance(reason, RevisionNotFoundError):
        what = f"the version {model.revision[:12]} of {model.repository}"
    elif isinstance(reason, RemoteEntryNotFoundError):
        what = f"{file.name} of {model.repository}"
    return Unavailable(
        f"{source.host} does not have {what} (404)",
        code="hub_not_found",
        hint="It may have been taken away from there. " + (OTHER_WAY if source.is_hub else THE_HUB),
    )


def away(source: Source, why: str) -> Unavailable:
    """why: goes on after "HOST "."""
    return Unavailable(
        f"{source.host} {why}",
        code="hub_away",
        hint="Check the network and try again: it goes on where it was. " + OTHER_WAY,
    )


def another_file(source: Source, model: Model, file: File, expected: str, found: str) -> Unavailable:
    return Unavailable(
        f"{source.host} has another {file.name} of {model.name}: expected {expected}, found {found}",
        code="hub_other_file",
        hint="Is that address a mirror of the hub?"
        if not source.is_hub
        else "Does a proxy stand in between?",
    )


def damaged(source: Source, model: Model, file: File, found: str) -> Unavailable:
    return Unavailable(
        f"{file.name} of {model.name} came damaged from {source.host}: expected SHA-256 {file.sha256}, "
        f"found {found}",
        code="checksum_mismatch",
        hint="It was thrown away. Run the same command again"
        + (
            "; if it comes so again, the disk or a proxy may be at fault."
            if source.is_hub
            else f". {THE_HUB}"
        ),
    )


def no_connection(error: httpx.TransportError) -> str:
    """To go on after "HOST "."""
    said = str(error).lower()
    if "certificate" in said:
        return "has a certificate that is not trusted here (a proxy in between?)"
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return "does not answer"
    if isinstance(error, httpx.ProxyError):
        return "cannot be reached through the proxy that is set here"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    if isinstance(error, httpx.TimeoutException):
        return "stopped sending"
    return "broke the connection"
