"""A refusal of a service, shown where the person can act on it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest

from core.errors import GoldgateError


def put_on_form(form: forms.BaseForm, error: GoldgateError) -> None:
    """Write what a service refused onto its form: at the field where it names one, else above the form."""
    placed = False
    for wrong in error.errors:
        name = wrong.pointer.strip("/").split("/")[0]
        if name in form.fields:
            form.add_error(name, wrong.detail)
            placed = True
    if not placed:
        form.add_error(None, error.detail)
    form.cure = error.cure  # type: ignore[attr-defined]


def attempt(form: forms.BaseForm, deed: Callable[[], Any]) -> Any | None:
    """Do ``deed``; when a service refuses, write why onto ``form`` and return None."""
    try:
        return deed()
    except GoldgateError as error:
        put_on_form(form, error)
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
