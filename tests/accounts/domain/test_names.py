import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.domain.names import MAX_NAME_LENGTH, fault_of, fold


class TestFold:
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("admin", id="same"),
            pytest.param("Admin", id="case"),
            pytest.param("ＡＤＭＩＮ", id="full-width"),
            pytest.param("ａｄｍｉｎ", id="full-width-small"),
            pytest.param("𝐚𝐝𝐦𝐢𝐧", id="mathematical"),
        ],
    )
    def test_what_reads_like_admin_folds_to_admin(self, name):
        assert fold(name) == "admin"

    def test_sharp_s_and_ss_are_one(self):
        assert fold("Straße") == fold("STRASSE")

    def test_composed_and_decomposed_are_one(self):
        assert fold("é") == fold("e\u0301")

    def test_different_names_stay_different(self):
        assert fold("alice") != fold("alicia")

    @given(st.text(max_size=40))
    def test_folding_twice_is_folding_once(self, text):
        assert fold(fold(text)) == fold(text)


class TestFaultOf:
    @pytest.mark.parametrize("name", ["alice", "Zoë Müller", "o'neil", "李雷", "rita.roe@example.com", "*", ")(uid=*"])
    def test_visible_names_are_fine(self, name):
        assert fault_of(name) == ""

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("", id="empty"),
            pytest.param(" alice", id="leading-space"),
            pytest.param("alice\n", id="line-feed-after"),
            pytest.param("ali\x00ce", id="nul"),
            pytest.param("ali\u202ece", id="bidi-override"),
            pytest.param("ali\u200bce", id="zero-width-space"),
            pytest.param("ali\u2028ce", id="line-separator"),
            pytest.param("ali\ue000ce", id="private-use"),
            pytest.param("a" * (MAX_NAME_LENGTH + 1), id="too-long"),
            pytest.param("\ufdfa" * 20, id="long-once-folded"),
        ],
    )
    def test_names_that_cannot_be_read_back_are_refused(self, name):
        assert fault_of(name)
