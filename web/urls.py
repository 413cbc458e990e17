"""The addresses of the pages. Each deed has one of its own; who may use which stands in portal/access.py."""

from django.urls import path

from web.views import home, jobs, people, session

app_name = "web"

urlpatterns = [
    path("", home.home, name="home"),
    path("find", home.find, name="find"),
    # the session
    path("signin", session.signin, name="signin"),
    path("signout", session.signout, name="signout"),
    path("password", session.password, name="password"),
    path("theme", session.theme, name="theme"),
    # jobs
    path("jobs", jobs.jobs, name="jobs"),
    path("jobs/<uuid:job_id>", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/cancel", jobs.job_cancel, name="job-cancel"),
    path("jobs/<uuid:job_id>/retry", jobs.job_retry, name="job-retry"),
    # people
    path("people", people.people, name="people"),
    path("people/new", people.person_new, name="person-new"),
    path("people/<uuid:person_id>", people.person, name="person"),
    path("people/<uuid:person_id>/roles", people.person_grant, name="person-grant"),
    path("people/<uuid:person_id>/close", people.person_deactivate, name="person-deactivate"),
    path("people/<uuid:person_id>/password", people.person_password, name="person-password"),
    path("roles/<uuid:grant_id>/end", people.grant_end, name="grant-end"),
    path("teams/new", people.team_new, name="team-new"),
    path("teams/<uuid:team_id>", people.team, name="team"),
    path("teams/<uuid:team_id>/people/<uuid:person_id>/remove", people.member_remove, name="member-remove"),
    path("tokens", people.tokens, name="tokens"),
    path("tokens/new", people.token_new, name="token-new"),
    path("tokens/<uuid:token_id>/end", people.token_end, name="token-end"),
]
