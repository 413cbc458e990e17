import hashlib
import re

from accounts.domain import secrets


class TestNewToken:
    def test_it_begins_so_that_secret_scanners_find_it_and_holds_256_bits(self):
        assert re.fullmatch(r"ggt_[A-Za-z0-9_-]{43}", secrets.new_token())

    def test_no_two_are_the_same(self):
        assert len({secrets.new_token() for _ in range(200)}) == 200

    def test_what_is_kept_is_the_sha256_of_the_whole_token(self):
        assert secrets.sha256_of_token("ggt_abc") == hashlib.sha256(b"ggt_abc").hexdigest()


class TestNewPassword:
    def test_it_can_be_read_aloud(self):
        assert re.fullmatch(r"([a-zA2-9]{5}-){3}[a-zA2-9]{5}", secrets.new_password())

    def test_no_two_are_the_same(self):
        assert len({secrets.new_password() for _ in range(200)}) == 200
