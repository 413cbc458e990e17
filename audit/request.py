"""The id of the request being served, so that a record names it. The portal sets it."""

from contextvars import ContextVar

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")
