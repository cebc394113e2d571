"""Who tells the admins what is wrong with a host; nobody, where there is no daemon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Alarms(Protocol):
    """As daemon.alarms.Alarms."""

    def raise_alarm(self, key: str, message: str, hint: str = "") -> None: ...

    def clear(self, key: str) -> None: ...


class _NoAlarms:
    def raise_alarm(self, key: str, message: str, hint: str = "") -> None:
        pass

    def clear(self, key: str) -> None:
        pass


NO_ALARMS = _NoAlarms()


@dataclass
class HostAlarm:
    """The one alarm of a host. why: "load" or "often"; "" while there is none."""

    alarms: Alarms
    key: str
    why: str = ""

    def tell(self, why: str, message: str, hint: str) -> None:
        self.why = why
        self.alarms.raise_alarm(self.key, message, hint)

    def over(self, *whys: str) -> None:
        """If it was for one of these."""
        if self.why in whys:
            self.why = ""
            self.alarms.clear(self.key)
