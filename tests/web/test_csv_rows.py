import pytest

from web.csv_rows import csv_lines, neutral


class TestNeutral:
    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
    def test_a_formula_is_shown_and_not_run(self, cell):
        assert neutral(cell) == f"'{cell}"

    @pytest.mark.parametrize("cell", ["", "debian", "12-20261124.1", "sha256:ab", "a=b"])
    def test_other_cells_stay(self, cell):
        assert neutral(cell) == cell

    def test_a_formula_behind_nul_is_one_too(self):
        assert neutral("\0=1") == "'=1"


class TestCsvLines:
    def test_every_cell_of_every_row_is_neutral(self):
        lines = list(csv_lines(("name", "count"), [("=1", 2), (None, "a,b")]))
        assert lines == ["name,count\r\n", "'=1,2\r\n", ',"a,b"\r\n']

    def test_rows_are_read_as_they_are_sent(self):
        def rows():
            yield ("first",)
            raise AssertionError("too early")

        lines = csv_lines(("name",), rows())
        assert [next(lines), next(lines)] == ["name\r\n", "first\r\n"]
