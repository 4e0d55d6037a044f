from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from mmctl.visualization.plain_text import plain


@pytest.mark.parametrize("text", ["a$b", "a$^$b", "$$", r"a\b", "a%b", "a_{b}"])
def test_a_text_is_drawn_as_it_was_written(text):
    drawn = Figure().text(0, 0, plain(text))
    assert drawn._preprocess_math(drawn.get_text()) == (text, False)
