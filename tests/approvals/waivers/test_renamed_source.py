from dataclasses import fields
from datetime import timedelta

import pytest

from accounts.roles import Role
from approvals import services
from builds.errors import SourceNamedByWaiver
from builds.services.sources import SourceFields, change_source
from tests.factories.accounts import person_with
from tests.factories.builds import SourceFactory

pytestmark = pytest.mark.django_db


def wanted(source, **changed):
    values = {one.name: getattr(source, one.name) for one in fields(SourceFields)}
    values["candidate_repository"] = None
    return SourceFields(**{**values, **changed})


class TestARenamedSource:
    def test_it_takes_no_waiver_along_and_leaves_none_behind(self, now, settings):
        settings.GOLDGATE_SOURCE_HOSTS = "git.example"
        source = SourceFactory(now, url="https://git.example/base.git")
        asked = services.ask_waiver(
            rule="GG1020", scope_kind="source", scope=source.name, reason="Until December.",
            ends_at=now + timedelta(days=30), asked_by=person_with(Role.REQUESTER), now=now,
        )  # fmt: skip
        person = person_with(Role.PLATFORM_ADMIN)
        with pytest.raises(SourceNamedByWaiver):
            change_source(source=source, wanted=wanted(source, name="other"), actor=person.as_actor(), now=now)
        services.refuse_waiver(grant_id=asked.pk, person=person_with(Role.REVIEWER), reason="Mend it.", now=now)
        changed = change_source(source=source, wanted=wanted(source, name="other"), actor=person.as_actor(), now=now)
        assert changed.name == "other"
