"""What browsers load: gathered as in production, and nothing refers to what is not there."""

import re
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

STATIC = Path(settings.ROOT) / "static"


class TestStaticFiles:
    def test_are_gathered_under_names_that_say_their_contents(self, settings, tmp_path):
        settings.STATIC_ROOT = tmp_path
        settings.STORAGES = {
            **settings.STORAGES,
            "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
        }
        call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=["*.py", "drf_spectacular*"])
        manifest = (tmp_path / "staticfiles.json").read_text()
        for name in (
            "goldgate/goldgate.css",
            "goldgate/theme.js",
            "vendor/htmx/htmx.min.js",
            "vendor/tabler/tabler.min.css",
        ):
            assert f'"{name}"' in manifest

    def test_every_icon_that_a_page_names_is_in_the_sprite(self):
        there = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/tabler-icons/sprite.svg").read_text()))
        templates = "".join(path.read_text() for path in (Path(settings.ROOT) / "templates").rglob("*.html"))
        named = set(re.findall(r'{% icon "([^"]+)"', templates)) | set(re.findall(r'icon_name="([^"]+)"', templates))
        code = "".join(path.read_text() for path in (Path(settings.ROOT) / "web").rglob("*.py"))
        named |= set(re.findall(r'Look\("[^"]+", "[^"]+", "([^"]+)"\)', code))
        assert len(named) > 30
        assert named - there == set()

    def test_no_template_holds_a_script_or_a_style_of_its_own(self):
        for path in (Path(settings.ROOT) / "templates").rglob("*.html"):
            text = path.read_text()
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path.name
