"""Text of strangers on a page: what nobody sees is written out."""

import pytest

from web.visible import visible, visible_line


class TestVisible:
    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            pytest.param("a\u202eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c", id="bidirectional"),
            pytest.param("a\u200bb\ufeff", "a⟨U+200B⟩b⟨U+FEFF⟩", id="zero-width"),
            pytest.param("\x1b[31mred", "⟨U+001B⟩[31mred", id="escape"),
            pytest.param("a\x00\x07\x9b", "a⟨U+0000⟩⟨U+0007⟩⟨U+009B⟩", id="control"),
            pytest.param("10%\r20%\r\ndone\n", "10%\n20%\ndone\n", id="carriage-return"),
            pytest.param("\tgrün 漢字 ✓\n", "\tgrün 漢字 ✓\n", id="plain"),
            pytest.param("\U000e0041\ue000", "⟨U+E0041⟩⟨U+E000⟩", id="tags"),
        ],
    )
    def test_writes_out_what_nobody_sees(self, raw, shown):
        assert visible(raw) == shown

    def test_on_one_line(self):
        assert visible_line("a\nb\tc") == "a⟨U+000A⟩b c"
