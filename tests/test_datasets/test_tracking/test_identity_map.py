import pytest

from mmctl.datasets.tracking.identity_map import read_identities


@pytest.fixture
def read(tmp_path):
    def call(text):
        (tmp_path / "who.csv").write_text(text)
        return read_identities(tmp_path / "who.csv")

    return call


def test_tracks_of_two_cameras_may_be_one_person(read):
    text = "camera,track_id,pid\n1,10,4\n2,10,4\n\n2,11,-1\n2,11,-1\n"
    assert read(text) == {(1, 10): 4, (2, 10): 4, (2, 11): -1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header must be camera,track_id,pid"),
        ("1,10,4\n", "line 1: the header must be camera,track_id,pid, got .?1,10,4"),
        ("camera,track_id,pid\n1,10\n", "line 2: camera,track_id,pid must be integers"),
        ("camera,track_id,pid\n1,10,Anna\n", "line 2: .*must be integers.*Anna"),
        ("camera,track_id,pid\n1,10,1_0\n", "line 2: .*must be integers.*1_0"),
        ("camera,track_id,pid\n1,10,\x1f0\n", r"line 2: control characters .*x1f"),
        (f"camera,track_id,pid\n1,10,{2**63}\n", rf"line 2: .*at most 18 digits.*{2**63}"),
        (f"camera,track_id,pid\n1,10,{'9' * 5000}\n", "line 2: .*at most 18 digits.{,70}$"),
        ("camera,track_id,pid\n1,10,-2\n", r"line 2: pid must be -1 .*got -2"),
        ("camera,track_id,pid\n1,10,4\n1,10,5\n", "line 3: a track is one person.*4 before.* 5"),
    ],
)
def test_a_broken_line_is_named(read, text, message):
    with pytest.raises(ValueError, match=rf"who\.csv, {message}"):
        read(text)


def test_a_quote_that_is_not_closed_is_named(read):
    with pytest.raises(ValueError, match=r"identity map \S+who\.csv is no CSV text"):
        read('camera,track_id,pid\n2,4,"1\n')


def test_a_missing_map_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"identity map .*who\.csv does not exist"):
        read_identities(tmp_path / "who.csv")


def test_the_message_about_a_long_header_is_short(tmp_path):
    (tmp_path / "people.csv").write_text("y" * 9000)
    with pytest.raises(ValueError, match=r"^[^\n]{1,900}$"):
        read_identities(tmp_path / "people.csv")
