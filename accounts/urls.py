"""The accounts' part of ``/api/v1``."""

from django.urls import path

from accounts.api import people, teams, tokens

urlpatterns = [
    path("me", people.MeView.as_view(), name="me"),
    path("people", people.PeopleView.as_view(), name="people"),
    path("people/<uuid:person_id>", people.PersonView.as_view(), name="person"),
    path("people/<uuid:person_id>/deactivate", people.PersonDeactivateView.as_view(), name="person-deactivate"),
    path("people/<uuid:person_id>/reactivate", people.PersonReactivateView.as_view(), name="person-reactivate"),
    path(
        "people/<uuid:person_id>/reset-password",
        people.PersonResetPasswordView.as_view(),
        name="person-reset-password",
    ),
    path("people/<uuid:person_id>/link", people.PersonLinkView.as_view(), name="person-link"),
    path("people/<uuid:person_id>/roles", people.PersonRolesView.as_view(), name="person-roles"),
    path("people/<uuid:person_id>/roles/<uuid:grant_id>", people.PersonRoleView.as_view(), name="person-role"),
    path("teams", teams.TeamsView.as_view(), name="teams"),
    path("teams/<uuid:team_id>", teams.TeamView.as_view(), name="team"),
    path("teams/<uuid:team_id>/members", teams.TeamMembersView.as_view(), name="team-members"),
    path("teams/<uuid:team_id>/members/<uuid:person_id>", teams.TeamMemberView.as_view(), name="team-member"),
    path("tokens", tokens.TokensView.as_view(), name="tokens"),
    path("tokens/<uuid:token_id>", tokens.TokenView.as_view(), name="token"),
]
