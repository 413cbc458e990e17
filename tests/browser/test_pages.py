"""Every page in Chromium: both themes against axe, 360 pixels, no scripts. Screenshots are kept as test output."""

import pytest

from tests.browser.conftest import PHONE
from tests.web.world import World, build

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


# The pages whose pictures are kept.
KEPT = {
    "home",
    "catalog",
    "subversion",
    "review",
    "artifact-findings",
    "import",
    "decision",
    "record",
    "subversion-revoke",
}


@pytest.fixture
def world(transactional_db) -> World:
    return build()


def addresses(world: World, *, ending: bool) -> dict[str, str]:
    """Pages of an administrator, or the ones that only a security reviewer sees."""
    return {
        name: address
        for name, address in world.addresses().items()
        if name.startswith("subversion-") == ending and name != "find"
    }


class TestEveryPage:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    def test_is_accessible(self, world, open_page, faults_of, shoot, theme):
        faults = {}
        for person, ending in ((world.admin, False), (world.security, True)):
            page = open_page(person, theme=theme)
            for name, address in addresses(world, ending=ending).items():
                page.goto(address)
                if name in KEPT:
                    shoot(page, f"{name}-{theme}")
                if found := faults_of(page):
                    faults[name] = found
        assert faults == {}

    def test_fits_a_phone(self, world, open_page, shoot):
        wide = {}
        for person, ending in ((world.admin, False), (world.security, True)):
            page = open_page(person, viewport=PHONE)
            for name, address in addresses(world, ending=ending).items():
                page.goto(address)
                if name in KEPT:
                    shoot(page, f"{name}-phone")
                width = page.evaluate("document.documentElement.scrollWidth")
                if width > PHONE["width"]:
                    wide[name] = width
        assert wide == {}

    def test_reads_without_scripts(self, world, open_page):
        page = open_page(world.admin, scripts=False)
        for name, address in addresses(world, ending=False).items():
            answer = page.goto(address)
            assert answer.status == 200, name
            assert page.locator("h1").inner_text(), name
            assert page.locator("button[data-copy]:visible").count() == 0, name
