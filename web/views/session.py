"""Signing in and out, the password, and the colours."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services as accounts
from web.context import THEME_COOKIE, THEMES
from web.forms.session import PasswordForm, SignInForm
from web.refusals import attempt
from web.viewer import viewer_of

A_YEAR = 365 * 24 * 60 * 60  # seconds


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def signin(request: HttpRequest) -> HttpResponse:
    """Sign in with name and password; then on to where the person wanted to go."""
    following = safe_next(request)
    if request.user.is_authenticated and request.method == "GET":
        return redirect(following)
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, password = form.cleaned_data["username"], form.cleaned_data["password"]
        now = timezone.now()
        person = attempt(form, lambda: accounts.sign_in(request=request, username=name, password=password, now=now))
        if person is not None:
            return redirect("web:password" if person.must_change_password else following)
    status = 403 if form.errors else 200
    return render(request, "web/signin.html", {"form": form, "next": following}, status=status)


@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    accounts.sign_out(request=request, now=timezone.now())
    messages.success(request, "You are signed out.")
    return redirect("web:signin")


@never_cache
@sensitive_post_parameters("old_password", "new_password", "again")
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; a one-time password must be changed before anything else."""
    viewer = viewer_of(request)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        changed = attempt(
            form,
            lambda: accounts.change_password(
                person=viewer.person,
                old_password=held["old_password"],
                new_password=held["new_password"],
                now=viewer.now,
            ),
        )
        if changed is not None:
            # Every other session has ended; the one that the change came by goes on.
            update_session_auth_hash(request, changed)
            messages.success(request, "Your password is changed. Your other sessions have ended.")
            return redirect("web:home")
    context = {"form": form, "is_forced": viewer.person.must_change_password}
    return render(request, "web/password.html", context, status=400 if form.errors else 200)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the person's choice of colours in a cookie of their browser."""
    response = redirect(safe_next(request))
    chosen = request.POST.get("theme", "system")
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=A_YEAR, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    return response


def safe_next(request: HttpRequest) -> str:
    """Where to go after a deed: an address of ours, else the start page."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    # Django's redirect() takes what holds no slash for the name of a view.
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(
        wanted, allowed_hosts=None, require_https=request.is_secure()
    ):
        return wanted
    return reverse("web:home")
