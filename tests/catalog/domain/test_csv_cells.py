import pytest

from catalog.domain.csv_cells import neutral


class TestNeutral:
    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
    def test_a_formula_is_shown_and_not_run(self, cell):
        assert neutral(cell) == f"'{cell}"

    @pytest.mark.parametrize("cell", ["", "debian", "12-20261124.1", "sha256:ab", "a=b"])
    def test_other_cells_stay(self, cell):
        assert neutral(cell) == cell

    def test_a_formula_behind_nul_is_one_too(self):
        assert neutral("\0=1") == "'=1"
