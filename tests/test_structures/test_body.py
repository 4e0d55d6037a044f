import dataclasses

import pytest

from mmctl.structures import (
    BODY_SCALES,
    FLIP_ORDER,
    KEYPOINT_EDGES,
    KEYPOINTS,
    NUM_KEYPOINTS,
    resolve_body,
)

BODIES = sorted(BODY_SCALES)
SCALES = ["s1", "s2", "s3"]


def as_dict(body="limb", **changes):
    return {**dataclasses.asdict(BODY_SCALES[body]), **changes}


def node_keypoints(body, scale):
    """Keypoints of every node of a scale, as sets."""
    groups = [(k,) for k in range(NUM_KEYPOINTS)] if scale == "s1" else getattr(body, scale)
    return [frozenset(group) for group in groups]


def mirrored(keypoints):
    return frozenset(FLIP_ORDER[k] for k in keypoints)


def test_keypoints_are_coco_s_in_order():
    assert NUM_KEYPOINTS == 17
    sides = ["eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
    names = [f"{side}_{part}" for part in sides for side in ("left", "right")]
    assert list(KEYPOINTS) == ["nose", *names]


def test_flipping_swaps_left_and_right_and_twice_is_the_identity():
    pairs = [(k, k + 1) for k in range(1, 17, 2)]
    assert FLIP_ORDER[0] == 0
    for left, right in pairs:
        assert (FLIP_ORDER[left], FLIP_ORDER[right]) == (right, left)
        assert KEYPOINTS[right] == KEYPOINTS[left].replace("left", "right")
    assert [FLIP_ORDER[k] for k in FLIP_ORDER] == list(range(17))


def test_the_skeleton_has_the_nineteen_coco_edges():
    one_based = [
        *[(16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8)],
        *[(7, 9), (8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)],
    ]
    assert {frozenset(edge) for edge in KEYPOINT_EDGES} == {
        frozenset((a - 1, b - 1)) for a, b in one_based
    }
    assert len(KEYPOINT_EDGES) == 19


def test_the_tables_are_those_of_the_specification():
    limb, disjoint = BODY_SCALES["limb"], BODY_SCALES["disjoint"]
    assert [list(part) for part in limb.s2] == [
        *[[0, 1, 2, 3, 4], [5, 6, 11, 12], [5, 7], [7, 9], [6, 8], [8, 10]],
        *[[11, 13], [13, 15], [12, 14], [14, 16]],
    ]
    assert [list(part) for part in limb.s3] == [
        *[[0, 1, 2, 3, 4, 5, 6, 11, 12], [5, 7, 9], [6, 8, 10], [11, 13, 15], [12, 14, 16]],
    ]
    assert [list(part) for part in disjoint.s2] == [
        *[[0, 1, 2], [3, 4], [5], [6], [7, 9], [8, 10], [11], [12], [13, 15], [14, 16]],
    ]
    assert [list(part) for part in disjoint.s3] == [
        *[[0, 1, 2, 3, 4], [5, 7, 9], [6, 8, 10], [11, 13, 15], [12, 14, 16]],
    ]
    assert limb.s2_to_s3 == ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
    tree = {(0, 1), (1, 2), (2, 3), (1, 4), (4, 5), (1, 6), (6, 7), (1, 8), (8, 9)}
    assert set(limb.edges["s2"]) == tree
    for body in (limb, disjoint):
        assert body.edges["s1"] == KEYPOINT_EDGES
        assert set(body.edges["s3"]) == {(0, 1), (0, 2), (0, 3), (0, 4)}


@pytest.mark.parametrize("body", BODIES)
def test_the_scales_have_17_10_and_5_nodes(body):
    assert [BODY_SCALES[body].num_nodes(scale) for scale in SCALES] == [17, 10, 5]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("scale", ["s2", "s3"])
def test_parts_cover_all_keypoints_and_are_closed_under_the_swap(body, scale):
    parts = node_keypoints(BODY_SCALES[body], scale)
    assert frozenset().union(*parts) == frozenset(range(17))
    assert {mirrored(part) for part in parts} == set(parts)


@pytest.mark.parametrize("scale", ["s2", "s3"])
def test_the_disjoint_parts_share_no_keypoint(scale):
    assert sum(len(part) for part in getattr(BODY_SCALES["disjoint"], scale)) == 17


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("scale", SCALES)
def test_graphs_are_connected(body, scale):
    tables = BODY_SCALES[body]
    reached, frontier = {0}, [0]
    while frontier:
        node = frontier.pop()
        for a, b in tables.edges[scale]:
            for start, end in ((a, b), (b, a)):
                if start == node and end not in reached:
                    reached.add(end)
                    frontier.append(end)
    assert reached == set(range(tables.num_nodes(scale)))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("scale", SCALES)
def test_edges_are_closed_under_the_swap(body, scale):
    nodes = node_keypoints(BODY_SCALES[body], scale)
    swap = [nodes.index(mirrored(node)) for node in nodes]
    edges = {frozenset(edge) for edge in BODY_SCALES[body].edges[scale]}
    assert {frozenset(swap[node] for node in edge) for edge in edges} == edges


@pytest.mark.parametrize("body", BODIES)
def test_the_s2_parts_of_an_s3_part_hold_its_keypoints(body):
    tables = BODY_SCALES[body]
    assert sorted(index for group in tables.s2_to_s3 for index in group) == list(range(10))
    for group, part in zip(tables.s2_to_s3, tables.s3, strict=True):
        assert frozenset().union(*(tables.s2[index] for index in group)) == frozenset(part)


def test_disjoint_parts_touch_where_the_skeleton_joins_them():
    tables = BODY_SCALES["disjoint"]
    owner = {k: index for index, part in enumerate(tables.s2) for k in part}
    joined = {frozenset((owner[a], owner[b])) for a, b in KEYPOINT_EDGES if owner[a] != owner[b]}
    assert {frozenset(edge) for edge in tables.edges["s2"]} == joined


def test_a_name_or_a_dict_resolves():
    assert resolve_body("disjoint") is BODY_SCALES["disjoint"]
    assert resolve_body(as_dict()) == BODY_SCALES["limb"]


def test_an_unknown_body_is_named():
    with pytest.raises(ValueError, match=r"body must be one of \['disjoint', 'limb'\].*'fig3'"):
        resolve_body("fig3")


@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_a_body_dict_with_other_keys_is_refused(change):
    body = as_dict(s4=())
    if change == "missing":
        del body["s4"], body["edges"]
    with pytest.raises(ValueError, match="a body dict must have exactly the keys"):
        resolve_body(body)


@pytest.mark.parametrize("name", ["s2", "s3"])
@pytest.mark.parametrize("keypoint", [16, 17])
def test_parts_that_do_not_cover_the_keypoints_are_refused(name, keypoint):
    covered = set(range(17)) ^ {keypoint}
    with pytest.raises(ValueError, match=rf"the parts of {name} must together cover keypoints 0"):
        resolve_body(as_dict(**{name: [sorted(covered)]}))


def test_s2_to_s3_of_another_length_is_refused():
    with pytest.raises(ValueError, match="s2_to_s3 must have one row per s3 part, 5, got 1"):
        resolve_body(as_dict(s2_to_s3=[[0, 1]]))
