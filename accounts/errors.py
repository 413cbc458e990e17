"""Why the accounts say no."""

from core.errors import GoldgateError, Kind


class BadName(GoldgateError):
    """The name cannot be a name."""

    code = "bad_name"
    kind = Kind.MALFORMED


class NameTaken(GoldgateError):
    """Another person or team has a name that reads the same."""

    code = "name_taken"
    kind = Kind.CONFLICT


class WeakPassword(GoldgateError):
    """The password would be guessed."""

    code = "weak_password"
    kind = Kind.MALFORMED


class WrongPassword(GoldgateError):
    """The present password was not given."""

    code = "wrong_password"


class ForeignPassword(GoldgateError):
    """The directory keeps this person's password."""

    code = "foreign_password"
    kind = Kind.CONFLICT


class SignInRefused(GoldgateError):
    """Name and password do not belong together, or the account is closed; which one is not said."""

    code = "sign_in_refused"


class TooManyAttempts(GoldgateError):
    """This name was tried too often from this address."""

    code = "too_many_attempts"


class PersonInactive(GoldgateError):
    """The account is deactivated."""

    code = "person_inactive"
    kind = Kind.CONFLICT


class NotAnAdministrator(GoldgateError):
    """Only a platform administrator may do this, at this moment."""

    code = "not_an_administrator"


class LastAdministrator(GoldgateError):
    """Nobody could administer Goldgate afterwards."""

    code = "last_administrator"
    kind = Kind.CONFLICT


class OwnRole(GoldgateError):
    """Nobody grants themselves a role."""

    code = "own_role"


class RoleAlreadyHeld(GoldgateError):
    """The person holds the role until further notice."""

    code = "role_already_held"
    kind = Kind.CONFLICT


class RoleOver(GoldgateError):
    """The grant has ended already."""

    code = "role_over"
    kind = Kind.CONFLICT


class RoleKeptElsewhere(GoldgateError):
    """The grant follows from a group of the directory."""

    code = "role_kept_elsewhere"
    kind = Kind.CONFLICT


class BadPeriod(GoldgateError):
    """The end does not come after the beginning, or is too far away."""

    code = "bad_period"
    kind = Kind.MALFORMED


class UnknownRole(GoldgateError):
    """There is no such role."""

    code = "unknown_role"
    kind = Kind.MALFORMED


class UnknownScope(GoldgateError):
    """There is no such scope, or none was given."""

    code = "unknown_scope"
    kind = Kind.MALFORMED


class NotOwnToken(GoldgateError):
    """There is no such token of this person."""

    code = "no_such_token"
    kind = Kind.MISSING


class TokenOver(GoldgateError):
    """The token has ended already."""

    code = "token_over"
    kind = Kind.CONFLICT


class AlreadyMember(GoldgateError):
    """The person is in the team."""

    code = "already_member"
    kind = Kind.CONFLICT


class NotMember(GoldgateError):
    """The person is not in the team."""

    code = "not_member"
    kind = Kind.MISSING


class LinkRefused(GoldgateError):
    """The two accounts cannot be linked."""

    code = "link_refused"
    kind = Kind.CONFLICT


class DirectoryUnavailable(GoldgateError):
    """The directory does not answer."""

    code = "directory_unavailable"
    kind = Kind.UNAVAILABLE


class EntryUnusable(GoldgateError):
    """The directory's entry says too little, or too much, to know who this is."""

    code = "entry_unusable"
