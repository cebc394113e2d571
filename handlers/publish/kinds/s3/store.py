"""A bucket's calls, each tried once, with their errors in this house's words."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from handlers.publish.errors import Login, NotSent, Refused, Spent, Unsure
from handlers.publish.kinds.s3.settings import S3Settings
from handlers.publish.kinds.waiting import retry_after
from models.errors import Unavailable, VigentdError

CONNECT_S = 10
STALL_S = 60  # without a byte, on the way there or back

GONE = frozenset({"NoSuchKey", "NotFound", "404", "NoSuchUpload", "InvalidPart"})
STRANGER = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})
FULL = ("QuotaExceeded", "StorageFull", "InsufficientStorage")
BUSY = frozenset({"SlowDown", "TooManyRequests", "Throttling", "ThrottlingException", "RequestTimeout"})


class Gone(Exception):
    """There is no such object or upload. Never leaves this package."""


class Store:
    """what: the bucket in words. final: of a call after which the object may be there."""

    def __init__(self, settings: S3Settings, now: Callable[[], dt.datetime]) -> None:
        self._settings = settings
        self._now = now
        host = settings.endpoint_url.split("//", 1)[-1] or "Amazon"
        self.what = f"the bucket {settings.bucket} at {host}"
        self._client: Any = None

    def call(self, operation: str, *, final: bool = False, **arguments: Any) -> dict[str, Any]:
        """operation: as botocore's client calls it ("head_object"). Raises Gone, or what errors.py lists."""
        with self._told(final):
            if self._client is None:
                self._client = _connect(self._settings)
            answer = getattr(self._client, operation)(Bucket=self._settings.bucket, **arguments)
            assert isinstance(answer, dict)
            return answer

    def put(self, name: str, body: bytes, *, final: bool = False, **headers: Any) -> dict[str, Any]:
        """One small object at once."""
        return self.call("put_object", final=final, Key=name, Body=body, ContentMD5=md5(body), **headers)

    @contextmanager
    def _told(self, final: bool) -> Iterator[None]:
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as e:
            raise Unavailable(
                f"Targets of the kind s3 need what is not installed: {e}",
                code="kind_not_installed",
                hint="Install it: pip install 'vigentd[publish]'",
            ) from e
        try:
            yield
        except ClientError as e:
            told = _answered(e.response, self.what, final, self._now())
            if isinstance(told, Login):
                self._client = None  # the secret is read again: it may be another one by then
            raise told from None
        except BotoCoreError as e:
            raise _broke_off(e, self.what, final) from None


def md5(body: bytes) -> str:
    """As the header Content-MD5 wants it: what arrives damaged is refused by the store itself."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _connect(settings: S3Settings) -> Any:
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=STALL_S,
        retries={"total_max_attempts": 1},  # what to do about a failure is not for botocore to say
        s3={"addressing_style": settings.addressing},
        # Checksums of the newer kind are in trailers that many stores other than Amazon's refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return get_session().create_client(
        "s3",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url or None,
        aws_access_key_id=settings.access_key or None,
        aws_secret_access_key=_secret(settings),
        config=config,
    )


def _secret(settings: S3Settings) -> str | None:
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    if settings.secret_key_file is None:
        return None
    try:
        return settings.secret_key_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as e:
        why = getattr(e, "strerror", None) or "it is not text"
        raise Login(
            f"The secret of the target {settings.name} cannot be read: {why}",
            hint=f"Look at {settings.secret_key_file}",
        ) from None


def _answered(response: dict[str, Any], what: str, final: bool, now: dt.datetime) -> Exception:
    """The store said no. Its words are shown, but for those about our credentials: some repeat these."""
    code = str(response.get("Error", {}).get("Code", ""))
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    wait_s = retry_after(str(meta.get("HTTPHeaders", {}).get("retry-after", "")), now)
    words = " ".join(str(response.get("Error", {}).get("Message", "")).split())[:200]
    said = f"{code}: {words}" if words and words != code else code or f"HTTP {status}"
    if code in GONE or (status == 404 and code != "NoSuchBucket"):
        return Gone(said)
    if any(word in code for word in FULL) or status == 507:
        return Spent(f"There is no room in {what}", hint="Make room there, or raise its quota")
    if code == "RequestTimeTooSkewed":
        return NotSent(f"{what} says that this machine's clock is wrong", hint="Set the clock")
    if code in STRANGER or status in (401, 403):
        return Login(
            f"{what} does not let us in: {code or status}",
            hint="Look at access_key and its secret, and at what they may do there",
        )
    if code in BUSY or status == 429:
        return NotSent(f"{what} is busy: {said}", wait_s=wait_s)
    if status >= 500 or not status:
        if final:
            return Unsure(f"{what} failed when it had the whole video: {said}")
        return NotSent(f"{what} failed: {said}", wait_s=wait_s)
    return Refused(f"{what} refused it: {said}", hint="Look at bucket, region and endpoint_url")


def _broke_off(e: Exception, what: str, final: bool) -> VigentdError:
    """The connection, or what is wrong before there is one."""
    from botocore import exceptions as boto

    credentials = (boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError)
    if isinstance(e, (*credentials, boto.ProfileNotFound)):
        return Login(
            f"There are no credentials for {what}",
            hint="Set access_key and secret_key_file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    why = type(e).__name__.removesuffix("Error")  # its text may carry whole addresses, and what is in them
    if not isinstance(e, (boto.ConnectionError, boto.HTTPClientError)):
        return Refused(f"{what} cannot be asked: {why}", hint="Look at the target's settings")
    never = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
    if final and not isinstance(e, never):
        return Unsure(f"{what} did not say whether it has the video: {why}")
    return NotSent(f"{what} is not to be reached: {why}")


def patiently(
    work: Callable[[], dict[str, Any]], wait: Callable[[float], None], times: int = 3
) -> dict[str, Any]:
    """For what may be done twice: a flaw of a moment is not worth giving up a long upload."""
    for nth in range(1, times):
        try:
            return work()
        except NotSent as e:
            if (e.wait_s or 0) > 10:
                raise
            wait(e.wait_s or float(nth))
    return work()
