from dataclasses import replace

import numpy as np
import pytest

from mmctl.evaluation import Protocol, Refinement, TrackletFeatures, find_oddities
from tests.test_evaluation.drawn_split import drawn_tracklets, two_cameras


def oddities(tracklets, protocol="query-in-gallery", dataset=None):
    evaluation = tracklets.evaluate(Protocol.named(protocol), distance="cosine")
    return find_oddities(tracklets, evaluation, dataset)


def matched(num_pids=20):
    """Every person once as a query of camera 1 and once in the gallery, camera 2."""
    return two_cameras(num_pids)


def mars_like(num_people, num_distractors):
    """As many queries and distractors as asked for, each query with a match, narrow features."""
    rng = np.random.default_rng(0)
    pids = np.concatenate([np.tile(np.arange(1, num_people + 1), 2), np.zeros(num_distractors)])
    count = len(pids)
    return TrackletFeatures(
        features=rng.normal(size=(count, 4)).astype(np.float32),
        pids=pids.astype(np.int64),
        camids=np.concatenate([np.repeat([1, 2], num_people), np.full(num_distractors, 3)]),
        tracklet_ids=np.arange(count),
        splits=np.array(["query"] * num_people + ["gallery"] * (count - num_people)),
        frame_paths=np.full(count, ""),
    )


def test_a_sound_split_has_no_oddity():
    for protocol in ("query-in-gallery", "query-excluded", "mars-official", "cross-camera"):
        assert oddities(matched(), protocol) == []


def test_queries_without_a_match_are_counted():
    (message,) = oddities(drawn_tracklets())
    assert message.startswith("1 of ")
    assert "no match under another camera" in message


def test_official_counts_raise_no_alarm_and_others_do():
    # 1980 queries and 11310 items with them, as MARS.
    official = mars_like(1980, 11310 - 2 * 1980)
    assert oddities(official, "mars-official", "MARS") == []
    fewer = mars_like(1980, 11309 - 2 * 1980)
    (message,) = oddities(fewer, "mars-official", "MARS")
    assert "MARS under mars-official scores 1980 queries against a gallery of 11310" in message
    assert "got 1980 against 11309" in message
    assert oddities(fewer, "mars-official", "my own set") == []


def test_fewer_scored_queries_than_official_are_an_alarm():
    # What labels of frames beside features of tracklets do: 1518 queries are scored.
    tracklets = mars_like(1980, 11310 - 2 * 1980)
    camids = tracklets.camids.copy()
    camids[1980 : 1980 + 462] = 1
    messages = oddities(replace(tracklets, camids=camids), "query-in-gallery", "MARS")
    assert any("got 1518 against 11310" in message for message in messages)


def test_a_drawn_set_under_an_official_name_is_not_compared():
    assert oddities(matched(20), "query-in-gallery", "MARS") == []
    assert oddities(matched(20), "cross-camera", "ILIDSVID") == []
    (message,) = oddities(matched(149), "cross-camera", "ILIDSVID")
    assert "scores 150 queries against a gallery of 150, got 149 against 149" in message


def test_features_that_are_all_alike_are_named():
    tracklets = replace(matched(), features=np.ones((40, 3), dtype=np.float32))
    assert oddities(tracklets) == [
        "all features are alike: the ranking is the order of the data set"
    ]


def test_a_query_that_matches_itself_under_another_camera_is_named():
    tracklets = matched()
    features = tracklets.features.copy()
    features[20:23] = features[:3]
    (message,) = oddities(replace(tracklets, features=features), "query-excluded")
    assert message.startswith("3 queries match a gallery tracklet of another camera with exactly")


def test_camids_that_are_no_cameras_are_named():
    tracklets = matched(100)
    messages = oddities(replace(tracklets, camids=np.arange(200)))
    assert any("camids have 200 different values for 200 tracklets" in m for m in messages)


@pytest.mark.parametrize(
    "pattern", ["0001C{}T0001F001.jpg", "0001C{}F0099X30823.jpg", "0001_C{}_F0099_X30823.jpg"]
)
def test_camids_that_contradict_the_frame_s_name_are_named(pattern):
    tracklets = matched()
    paths = np.array([f"/bbox/{pattern.format(camid)}" for camid in tracklets.camids])
    assert oddities(replace(tracklets, frame_paths=paths)) == []
    paths[5] = f"/bbox/{pattern.format(6)}"
    (message,) = oddities(replace(tracklets, frame_paths=paths))
    assert message.startswith("1 of 40 camids are not the camera that the frame names")
    assert paths[5] in message


def test_names_without_a_camera_are_not_read():
    tracklets = matched()
    paths = np.array([f"/cam{camid}/frame.png" for camid in 3 - tracklets.camids])
    assert oddities(replace(tracklets, frame_paths=paths)) == []


def test_repeated_tracklets_are_counted():
    ids = np.arange(40)
    ids[[3, 4]] = 2
    (message,) = oddities(replace(matched(), tracklet_ids=ids))
    assert message.startswith("2 tracklet ids come more than once")


def test_cross_camera_wants_one_match_for_each_query():
    tracklets = matched()
    pids = tracklets.pids.copy()
    pids[21] = 1
    messages = oddities(replace(tracklets, pids=pids), "cross-camera")
    assert any("2 of 20 queries have another number (up to 2)" in m for m in messages)


def test_cross_camera_wants_two_cameras():
    tracklets = matched()
    camids = tracklets.camids.copy()
    camids[0], camids[20] = 2, 1
    (message,) = oddities(replace(tracklets, camids=camids), "cross-camera")
    assert "camera 1 is in the query and in the gallery" in message


def test_cameras_of_one_tracklet_are_named_where_cameras_are_centred():
    tracklets = matched(12)
    camids = tracklets.camids.copy()
    camids[0] = 9
    tracklets = replace(tracklets, camids=camids)
    protocol = Protocol.named("query-in-gallery")
    for centres in (False, True):
        refinement = Refinement(centre_cameras=centres)
        evaluation = tracklets.evaluate(protocol, distance="cosine", refinement=refinement)
        found = find_oddities(tracklets, evaluation)
        assert [message.startswith("1 cameras, as 9, have one") for message in found] == [
            *([True] if centres else [])
        ]
