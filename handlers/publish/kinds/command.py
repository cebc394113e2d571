"""Any program: how sites are reached that have no API, and whatever else a video may go to.

    [[publish.target]]
    name = "elsewhere"
    kind = "command"
    program = ["/usr/local/bin/upload", "--fast"]
    find = true              # it can also be asked who it is, and what is there already
    stall_s = 600            # without a word from it for so long, it is ended
    environment = { TOKEN = "…" }
    limits = { title = 80, duration_s = 600 }

No shell. It gets one JSON object on stdin (`_facts` below); of our environment only what `_KEPT` names. With
`find`, the last argument `check` or `find` asks for that instead; without, publishing is all it is asked for.
Whatever it writes is a sign of life; a line "42%" on stderr is how far it is. Its exit status says:

    0     it is published; on stdout one JSON object {"id": "…", "url": "…"}, both may be missing
          check: {"name": "the channel Morning News"}; find: the same as published, or null: it is not there
    75    it is not, try again later; {"wait_s": 600} on stdout: not before that
    77    it is not, somebody has to log in there
    65    it is not, and will not be like this
    else  (also killed, or silent for too long) nobody knows: `find` or a person has to say

Its last line on stderr is the reason. (The numbers are EX_TEMPFAIL, EX_NOPERM, EX_DATAERR of sysexits.h.)
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from handlers.publish.child import Ended, Hung, Task, run
from handlers.publish.errors import Login, NotSent, Refused, Unsure
from handlers.publish.kind import Kind, Surroundings, TargetSettings
from handlers.publish.kinds.waiting import bounded
from handlers.publish.target import Limits, Memo, Receipt, Text, Video
from models.beats import beat
from models.errors import Cancelled, VigentdError
from models.progress import Progress, Quiet
from models.shortened import shortened

LATER, LOGIN, REFUSED = os.EX_TEMPFAIL, os.EX_NOPERM, os.EX_DATAERR

_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_[A-Z_]+|SSL_CERT_(?:FILE|DIR)"
    r"|(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY"
)
_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d+)?) ?%\s*", re.ASCII)
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LATER_ERRORS = frozenset((errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC))


def _program(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given or not given[0] or any("\0" in part for part in given):
        raise ValueError('should be a list such as ["/usr/local/bin/upload", "--fast"]')
    first = os.path.expanduser(given[0])  # noqa: PTH111 - a name without a folder stays one
    if "/" in first and not first.startswith("/"):
        raise ValueError("should begin with a whole path, or with the name of a program that is on the PATH")
    return first, *given[1:]


def _environment(given: dict[str, SecretStr]) -> dict[str, SecretStr]:
    for name, value in given.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or "\0" in value.get_secret_value():
            raise ValueError("should have names of letters, digits and _")
    return given


class CommandLimits(BaseModel):
    """What the place takes that the program sends it to; see target.Limits."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    title: Annotated[int, Field(ge=1)] | None = None
    description: Annotated[int, Field(ge=0)] | None = None
    together: Annotated[int, Field(ge=1)] | None = None
    tags: Annotated[int, Field(ge=0)] | None = None
    tags_chars: Annotated[int, Field(ge=0)] | None = None
    forbidden: str = ""
    duration_s: Annotated[float, Field(gt=0)] | None = None
    size: Annotated[int, Field(ge=1)] | None = None
    aspect: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] | None = None


class CommandSettings(TargetSettings):
    program: Annotated[tuple[str, ...], AfterValidator(_program)]
    find: bool = False
    stall_s: Annotated[float, Field(ge=0.1, le=86400)] = 600.0
    environment: Annotated[dict[str, SecretStr], AfterValidator(_environment)] = Field(default_factory=dict)
    limits: CommandLimits = CommandLimits()


class Command:
    def __init__(self, settings: CommandSettings, surroundings: Surroundings) -> None:
        self.limits = Limits(**settings.limits.model_dump())
        self.searchable = settings.find
        self._settings = settings
        self._surroundings = surroundings

    def check(self) -> str:
        program = self._resolved()
        if not self._settings.find:
            return f"the program {program}"
        call = self._call(program, "check", {}, Quiet(), NotSent)
        answer = call.answer()
        name = answer.get("name") if isinstance(answer, dict) else None
        return shortened(_clean(str(name)), 200) if name else f"the program {program}"

    def publish(self, video: Video, text: Text, key: str, memo: Memo, progress: Progress) -> Receipt:
        program = self._resolved()
        progress.check()  # from now on nothing is certain, not even when it is cancelled
        attempt = int(memo.get().get("attempt", 0)) + 1
        memo.put(attempt=attempt)
        facts = {"key": key, "attempt": attempt, "video": _video(video), "text": _text(text)}
        facts["job"] = text.facts.as_dict() if text.facts else None
        call = self._call(program, "publish", facts, progress, Unsure)
        if not call.ended.said.strip():
            return Receipt(key)
        return call.receipt(call.answer(), key)

    def find(self, key: str, memo: Memo) -> Receipt | None:
        call = self._call(self._resolved(), "find", {"key": key}, Quiet(), Unsure)
        answer = call.answer()
        return None if answer is None else call.receipt(answer, "")

    # ---------------------------------------------------------------- the parts

    def _resolved(self) -> str:
        program = self._settings.program[0]
        if path := shutil.which(program, path=self._environment().get("PATH", os.defpath)):
            return path
        there = Path(program).exists()
        raise Refused(
            f"The program {program} cannot be run: {'it is not executable' if there else 'it is not there'}",
            code="command_missing",
            hint=f"{f'chmod +x {program}' if there else 'Install it'}, or correct `program` of this target",
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        return kept | {name: value.get_secret_value() for name, value in self._settings.environment.items()}

    def _call(
        self, program: str, do: str, facts: Mapping[str, Any], progress: Progress, broken: type[VigentdError]
    ) -> _Call:
        """broken: what it is when the program says nothing that is known."""
        self._surroundings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = {"do": do, "target": self._settings.name, **facts}
        task = Task(
            program=(program, *self._settings.program[1:], *([do] if do != "publish" else [])),
            told=json.dumps(told, ensure_ascii=False).encode() + b"\n",
            environment=self._environment(),
            folder=self._surroundings.data_dir,
            stall_s=self._settings.stall_s,
        )
        words = _Words(progress, [v.get_secret_value() for v in self._settings.environment.values()])
        name = Path(program).name
        try:
            ended = run(task, words.heard, progress.check, self._surroundings.clock)
        except OSError as e:
            error = NotSent if e.errno in _LATER_ERRORS else Refused
            raise error(
                f"The program {name} could not be started: {e.strerror}", code="command_not_started"
            ) from e
        except Hung as e:
            raise broken(
                f"{name} was ended: it said nothing for {task.stall_s:g} s{words.reason('; last: ')}",
                code="command_hung",
                hint="It should write a line now and then; or set a larger stall_s",
            ) from e
        except Cancelled as e:
            if do != "publish":
                raise
            raise Unsure(f"{name} was ended in the middle of it", code="command_cancelled") from e
        call = _Call(name, ended, words, broken)
        call.check()
        return call


class _Words:
    """What it says on stderr: how far it is, and what it has to complain about."""

    def __init__(self, progress: Progress, secrets: list[str]) -> None:
        self._progress = progress
        # Nothing shorter is a secret, and a "1" would be hidden wherever there is one.
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True)
        self._last = ""

    def heard(self, line: str) -> None:
        beat()
        if percent := _PERCENT.fullmatch(line):
            self._progress.step(min(float(percent[1]), 100.0), 100.0)
        elif cleaned := _clean(line):
            self._last = cleaned

    def reason(self, before: str = ": ") -> str:
        return before + shortened(self.hidden(self._last), 300) if self._last else ""

    def hidden(self, said: Any) -> Any:
        """JSON values, without the secrets that it was given."""
        if isinstance(said, dict):
            return {self.hidden(name): self.hidden(value) for name, value in said.items()}
        if isinstance(said, list):
            return [self.hidden(value) for value in said]
        if isinstance(said, str):
            for secret in self._secrets:
                said = said.replace(secret, "***")
        return said


class _Call:
    """A program that has ended, and what that means."""

    def __init__(self, name: str, ended: Ended, words: _Words, broken: type[VigentdError]) -> None:
        self.ended = ended
        self._name = name
        self._words = words
        self._broken = broken

    def check(self) -> None:
        """Raises what its exit status says, unless that is 0."""
        status, reason = self.ended.status, self._words.reason()
        if status == LATER:
            raise NotSent(f"{self._name} asks to try again later{reason}", wait_s=self._wait_s())
        if status == LOGIN:
            raise Login(f"{self._name} has to log in{reason}", hint="Log in as that program wants it")
        if status == REFUSED:
            raise Refused(f"{self._name} refuses it{reason}")
        if status != 0:
            raise self._broken(f"{self._name} {_ending(status)}{reason}", code="command_failed")

    def answer(self) -> Any:
        try:
            return self._words.hidden(json.loads(self.ended.said))
        except (ValueError, RecursionError) as e:
            raise self._not_understood() from e

    def receipt(self, answer: Any, key: str) -> Receipt:
        """key: what it is called when the answer does not say."""
        if not isinstance(answer, dict):
            raise self._not_understood()
        facts = {name: value for name, value in answer.items() if name not in ("id", "url")}
        said, url = answer.get("id", key), answer.get("url") or ""
        if (
            not isinstance(said, str | int)
            or isinstance(said, bool)
            or said == ""
            or not isinstance(url, str)
        ):
            raise self._not_understood()
        return Receipt(str(said), url, facts)

    def _wait_s(self) -> float | None:
        try:
            return bounded(json.loads(self.ended.said)["wait_s"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def _not_understood(self) -> VigentdError:
        return self._broken(
            f"{self._name} has not failed, but its answer is not what it should be{self._words.reason()}",
            code="command_answer",
            hint='It should write one JSON object on stdout, such as {"id": "…"}, and nothing else',
        )


def _ending(status: int) -> str:
    if status >= 0:
        return f"failed with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"was killed by signal {-status}"


def _clean(line: str) -> str:
    plain = _COLOURS.sub("", line)
    return " ".join("".join(c if c.isprintable() else " " for c in plain).split())


def _video(video: Video) -> dict[str, Any]:
    facts = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(video).items()}
    return facts | {"aspect": round(video.aspect, 4)}


def _text(text: Text) -> dict[str, Any]:
    return {
        "title": text.title,
        "description": text.description,
        "tags": list(text.tags),
        "language": text.language,
    }


KIND = Kind("command", CommandSettings, Command)
