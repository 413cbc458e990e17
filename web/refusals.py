"""A refusal of a service, shown where the person can act on it."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from core.errors import GoldgateError


def put_on_form(form: forms.BaseForm, error: GoldgateError, at: Mapping[str, str] | None = None) -> None:
    """Write what a service refused onto its form: at the field where it names one, else above the form.

    ``at`` names the field that an error is about, by the error's code, where the error itself does not.
    """
    placed = False
    for wrong in error.errors:
        name = wrong.pointer.strip("/").split("/")[0]
        if name in form.fields:
            form.add_error(name, wrong.detail)
            placed = True
    if not placed:
        about = (at or {}).get(error.code)
        form.add_error(about if about in form.fields else None, error.detail)
    # A cure that a field says already is not said again.
    is_said = any(wrong.detail == error.cure for wrong in error.errors)
    form.cure = "" if is_said else error.cure  # type: ignore[attr-defined]


def attempt(form: forms.BaseForm, deed: Callable[[], Any], at: Mapping[str, str] | None = None) -> Any | None:
    """Do ``deed``; when a service refuses, write why onto ``form`` (``at``: see ``put_on_form``) and return None."""
    try:
        return deed()
    except GoldgateError as error:
        put_on_form(form, error, at)
        return None


def attempt_or_say(request: HttpRequest, deed: Callable[[], Any], done: str) -> bool:
    """Do ``deed`` and say ``done``; when a service refuses, say why instead. For buttons without fields."""
    try:
        deed()
    except GoldgateError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, done)
    return True
