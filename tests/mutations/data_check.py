"""Mistakes in the checks of a data set, and on the way from a tracker's output to one."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_SETS, _TESTS = "mmctl/datasets", "tests/test_datasets"

CHECKS = (
    mistakes_in(
        f"{_SETS}/checks/frame_check.py",
        (f"{_TESTS}/test_checks/test_frame_check.py",),
        {
            "frames: damage in the midst of a file unheard": ("    if complaint:", "    if False:"),
            "frames: empty ones are there": ("os.stat(path).st_size == 0", "not os.stat(path)"),
            "frames: complaints of one frame laid to the next": (
                "        messages.take()\n",
                "        pass\n",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/checks/dataset_summary.py",
        (f"{_TESTS}/test_checks/test_dataset_check.py",),
        {
            "check: matches of the query's own camera scored": (
                'cameras[info["pid"]] - {info["camid"]}',
                'cameras[info["pid"]]',
            ),
            "check: junk ranked": ('info["pid"] != -1 for', 'info["pid"] != -2 for'),
            "check: distractors are a person": (
                'for info in infos if info.get("pid", 0) > 0}',
                'for info in infos if info.get("pid", 0) >= 0}',
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/checks/keypoint_check.py",
        (f"{_TESTS}/test_checks/test_keypoint_check.py",),
        {
            "check: rows of other frames": ("chosen = rows[start", "chosen = rows[:"),
        },
    )
    + mistakes_in(
        f"{_SETS}/keypoints/keypoint_fit.py",
        (
            f"{_TESTS}/test_checks/test_keypoint_check.py",
            f"{_TESTS}/test_keypoints/test_keypoint_import.py",
        ),
        {
            "fit: keypoints against height and width exchanged": ("[:, None, ::-1]", "[:, None]"),
            "fit: hidden joints judged": ("(scored & beyond)", "(beyond)"),
            "fit: fractions by the largest": ("near >= 0.9 * count", "near >= count"),
            "fit: poses of whole frames in few crops accepted": (
                "strange = self.num_strangers > MAX_STRANGE * self.num_sized_persons",
                "strange = False",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/listings/annotation_file.py",
        (f"{_TESTS}/test_malformed_data.py",),
        {
            "list: frames against their numbers accepted": ("if after <= before:", "if False:"),
            "list: names compared as text": ("_to_key(digits) for digits", "digits for digits"),
            "list: paths out of the data set accepted": (
                "and not os.path.isabs(frame):",
                "and False:",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/listings/frame_origins.py",
        (f"{_TESTS}/test_unlabelled_tracklets.py",),
        {
            "list: times that fall accepted": ("value < values[index - 1]:", "value < 0:"),
            "list: a frame twice accepted": ("if after <= before:", "if after < before:"),
            "list: local times taken for UTC": ("(Z|[+]00:00)", "(Z|[+]00:00)?"),
            "list: boxes without area accepted": ("or min(box[2:]) <= 0:", "or min(box[2:]) < 0:"),
        },
    )
    + mistakes_in(
        "mmctl/datasets/transforms/broken_frames.py",
        (f"{_TESTS}/test_transforms/test_skipped_frames.py",),
        {
            "broken: a warning for each": ("10 ** (len(str(self.num_met)) - 1)", "self.num_met"),
            "broken: listed again by every worker": (
                'line.startswith(f"{path}\\t") for line in listed',
                "line is path for line in listed",
            ),
            "broken: far frames first": ("order[distances[order] > 0]", "order[::-1]"),
        },
    )
)

TRACKING = (
    mistakes_in(
        f"{_SETS}/tracking/track_plan.py",
        tuple(
            f"{_TESTS}/test_tracking/{name}.py"
            for name in ("test_track_plan", "test_track_writer", "test_frame_source")
        ),
        {
            "tracks: frames of the tracker counted from 0": (
                "positions = boxes.frames - settings.first_frame",
                "positions = boxes.frames + 0",
            ),
            "tracks: neighbours joined": ("(np.diff(tracks) != 0) | ", ""),
            "tracks: cut after as many lost frames as allowed": (
                "lost > settings.max_gap",
                "lost >= settings.max_gap",
            ),
            "tracks: frames between strides are lost ones": (
                "(np.diff(positions) // settings.stride - 1) * settings.stride",
                "np.diff(positions) - 1",
            ),
            "tracks: height and width of small boxes exchanged": (
                "(sides[:, ::-1] < settings.min_size)",
                "(sides < settings.min_size)",
            ),
            "tracks: boxes clipped to a frame on its side": (
                "[size[1], size[0], size[1], size[0]]",
                "[size[0], size[1], size[0], size[1]]",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/frame_source.py",
        (f"{_TESTS}/test_tracking/test_frame_source.py",),
        {
            "tracks: videos on their side": ("CAP_PROP_ORIENTATION_AUTO, 1", "CAP_PROP_FPS, 1"),
            "tracks: videos read as BGR": ("cv2.COLOR_BGR2RGB", "cv2.COLOR_BGRA2BGR"),
            "tracks: video one frame late": ("while at < position and", "while at <= position and"),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/person_rows.py",
        (f"{_TESTS}/test_tracking/test_person_rows.py",),
        {
            "tracks: ignored boxes become persons": ("keep = confidences > 0", "pass"),
            "tracks: cars of ground truth become persons": (
                "classes is None and _is_ground_truth(table)",
                "False",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/track_fit.py",
        (f"{_TESTS}/test_tracking/test_track_fit.py",),
        {
            "tracks: corners in the place of sides": (
                "or not _can_be_corners(",
                "or _can_be_corners(",
            ),
            "tracks: fitted to a frame on its side": (
                "enumerate(size[::-1])",
                "enumerate(size)",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/track_writer.py",
        (f"{_TESTS}/test_tracking/test_track_writer.py",),
        {
            "tracks: two runs on one folder": ("with FolderLock(self.out):", "if True:"),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/crop_encoding.py",
        (f"{_TESTS}/test_tracking/test_track_writer.py",),
        {"tracks: crops in BGR": ("left:right, ::-1]", "left:right]")},
    )
    + mistakes_in(
        f"{_SETS}/tracking/set_folder.py",
        (f"{_TESTS}/test_tracking/test_track_writer.py",),
        {
            "tracks: the list of an earlier run stays": (
                "(out / ANNOTATIONS).unlink(missing_ok=True)",
                "pass",
            ),
        },
    )
    + mistakes_in(
        f"{_SETS}/tracking/split_choice.py",
        (f"{_TESTS}/test_tracking/test_split_choice.py",),
        {
            "tracks: every tracklet of a person is a query": (
                "return set(best.values())",
                "return set(named)",
            ),
            "tracks: nobody trains": (
                '"train" if pid > 0 else None',
                '"train"',
            ),
        },
    )
)

DATA_CHECK = (*CHECKS, *TRACKING)
