import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from portal.parsers import strict_json

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)

pytestmark = pytest.mark.django_db


class TestStrictJson:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
            max_leaves=20,
        )
    )
    def test_what_json_can_say_is_read_as_said(self, value):
        assert strict_json(json.dumps(value).encode()) == value

    @pytest.mark.parametrize(
        ("body", "says"),
        [
            pytest.param(b'{"a": 1, "a": 2}', "'a' stands twice", id="twice"),
            pytest.param(b'{"x": [{"b": 1, "b": 1}]}', "'b' stands twice", id="twice-deep"),
            pytest.param(b'{"a": 1, "\\u0061": 2}', "'a' stands twice", id="twice-escaped"),
            pytest.param(b'{"a": NaN}', "NaN", id="nan"),
            pytest.param(b"[Infinity]", "Infinity", id="infinity"),
            pytest.param(b"[-Infinity]", "-Infinity", id="minus-infinity"),
            pytest.param(b"[1e999]", "1e999", id="number-without-an-end"),
            pytest.param(b"[" * 100_000, "not JSON", id="deep-open"),
            pytest.param(b"[" * 200 + b"]" * 200, "deeper", id="deep"),
            pytest.param(b'{"a": 1} x', "not JSON", id="trailing"),
            pytest.param(b"", "not JSON", id="empty"),
            pytest.param(b"{'a': 1}", "not JSON", id="quotes"),
            pytest.param(b'{"a": "\xff"}', "not JSON", id="not-utf-8"),
            pytest.param('{"a": 1}'.encode("utf-16"), "not JSON", id="utf-16"),
            pytest.param(b'\xef\xbb\xbf{"a": 1}', "not JSON", id="byte-order-mark"),
            pytest.param(b'["\\ud800"]', "surrogate", id="half-a-character"),
            pytest.param(b"[" + b"9" * 5000 + b"]", "not JSON", id="number-too-long"),
        ],
    )
    def test_refused_saying_what(self, body, says):
        with pytest.raises(ParseError, match=says):
            strict_json(body)

    def test_a_name_of_the_caller_does_not_break_the_sentence(self):
        with pytest.raises(ParseError) as refusal:
            strict_json(
                json.dumps({"x": 1}).encode()[:-1] + b', "' + b"k" * 10_000 + b'": 1, "' + b"k" * 10_000 + b'": 2}'
            )
        assert len(str(refusal.value)) < 300


@pytest.mark.usefixtures("probed")
class TestTheBodyOverHttp:
    URL = "/api/v1/probe/validates"

    def test_larger_than_the_limit_is_413(self, anonymous, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        answer = anonymous.post(self.URL, b'"' + b"x" * 200 + b'"', content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_a_false_length_is_refused_before_reading(self, anonymous, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
        answer = anonymous.post(self.URL, b"{}", content_type="application/json", CONTENT_LENGTH=10**12)
        assert answer.status_code in (400, 413)

    @pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1"])
    def test_json_that_is_no_object_is_invalid(self, anonymous, body):
        answer = anonymous.post(self.URL, body, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

    def test_a_form_is_no_json(self, anonymous):
        assert anonymous.post(self.URL, {"name": "x"}).status_code == 415

    def test_a_nul_in_a_text_is_refused(self, anonymous):
        answer = anonymous.post(self.URL, b'{"name": "a\\u0000", "parts": []}', content_type="application/json")
        assert answer.status_code == 400
