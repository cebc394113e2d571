"""The answer that says no."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """code: of HTTP and of the JSON. parameters: retry_after, migrate_to_chat_id."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def as_json(self) -> dict[str, Any]:
        out = {"ok": False, "error_code": self.code, "description": self.description}
        return out | {"parameters": self.parameters} if self.parameters else out


def bad(what: str) -> ApiError:
    return ApiError(400, f"Bad Request: {what}")
