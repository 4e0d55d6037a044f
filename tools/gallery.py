"""Keep tracklets of many cameras, find the same persons again, and forget them.

``gallery.py add GALLERY work_dirs/features/features.npz`` takes what tools/extract_features.py
writes; ``gallery.py search GALLERY --features query/features.npz`` and ``--like ID`` find the most
similar tracklets; ``gallery.py COMMAND --help`` says the rest. docs/en/gallery.md has examples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmctl.engine import run_command
from mmctl.engine.commands.gallery_options import (
    make_parser,
    read_duration,
    read_person,
    read_rows,
)
from mmctl.engine.commands.gallery_tables import print_results, print_tracklets
from mmctl.engine.commands.rated_progress import rated_progress
from mmctl.gallery import Gallery, QueryResult, RecordSet, read_records


@contextmanager
def reported(total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many tracklets are done."""
    with rated_progress("tracklets") as progress:
        bar = progress.add_task("tracklets", total=total)
        yield lambda done: progress.update(bar, completed=done)


def add(args: argparse.Namespace) -> None:
    keep_for = None if args.keep_for is None else read_duration(args.keep_for)
    sets = [read_records(path, args.crops) for path in args.files]  # all, before one is added
    for path, records in zip(args.files, sets, strict=True):
        warn_of_missing_crops(path, records)
    with Gallery(args.gallery, args.engine, args.server, args.dtype) as gallery:
        for path, records in zip(args.files, sets, strict=True):
            with reported(len(records)) as report:
                added = gallery.add(records, keep_for=keep_for, report=report)
            print(
                f"{path}: {added.new:,} new, {added.replaced:,} replaced, {added.unchanged:,} as "
                f"before; {args.gallery} has {len(gallery):,}"
            )
            if added.expired:
                print(
                    f"WARNING: {path}: {added.expired:,} are past their time already, so that no "
                    f"search finds them: --keep-for {args.keep_for} counts from a tracklet's end",
                    file=sys.stderr,
                )


def warn_of_missing_crops(path: Path, records: RecordSet) -> None:
    """Say which tracklets no page will be able to show."""
    missing = [r for r in records if r.crop and not Path(r.crop_root, r.crop).is_file()]
    if missing:
        place = Path(missing[0].crop_root, missing[0].crop)
        print(
            f"WARNING: {path}: {len(missing):,} of {len(records):,} crops are not there, the first "
            f"is {place}; --crops must be the folder that the paths in the file begin in",
            file=sys.stderr,
        )


def search(args: argparse.Namespace) -> None:
    if (args.features is None) == (args.like is None) or (args.like and args.rows):
        raise ValueError(
            "say what to search for: --features FILE, with --rows or not, or --like ID"
        )
    if args.calibration is not None and args.html is None:
        raise ValueError("--calibration is for the page that --html writes")
    queries: Any = args.like
    names = [f"query {text}" for text in args.like or ()]
    if args.features is not None:
        # Crops of queries are not kept, so they may lie anywhere.
        queries = read_records(args.features, crop_root=args.crops or "/")
        rows = range(len(queries)) if args.rows is None else read_rows(args.rows, len(queries))
        queries = queries.take(rows)
        names = [
            f"query row {row} {record.name}" for row, record in zip(rows, queries, strict=True)
        ]
    with Gallery(args.gallery) as gallery:
        results = gallery.search(
            queries,
            args.topk,
            cameras=args.cameras,
            after=args.after,
            before=args.before,
            ids=args.ids,
            exclude_same_camera=args.exclude_same_camera,
        )
    if args.html is not None:
        write_page(args, names, queries, results)
    elif args.json:
        found = [
            {"query": name, **result.to_dict()} for name, result in zip(names, results, strict=True)
        ]
        print(json.dumps(found, indent=1))
    else:
        print_results(names, results)


def write_page(
    args: argparse.Namespace, names: list[str], queries: Any, results: list[QueryResult]
) -> None:
    """Write what was found as a page."""
    from mmctl.evaluation.calibration import read_calibration
    from mmctl.evaluation.calibration_records import Source
    from mmctl.visualization.found_pages import (
        make_verdicts,
        show_record,
        show_results,
        show_stored,
    )
    from mmctl.visualization.ranking_page import print_written, write_ranking_page

    calibration = None if args.calibration is None else read_calibration(args.calibration)
    with Gallery(args.gallery) as gallery:
        settings, size = gallery.settings, len(gallery)
        if args.like:
            stored = {tracklet.id: tracklet for tracklet in gallery.list(ids=args.like)}
            shown = [show_stored(stored[identity]) for identity in args.like]
        else:
            shown = [show_record(record) for record in queries]
    if calibration is not None:
        for line in calibration.mismatches(Source(settings.model, "", settings.feature)):
            print(f"WARNING: {line}", file=sys.stderr)
    pages = show_results(shown, results, make_verdicts(calibration, size))
    with rated_progress("queries") as progress:
        bar = progress.add_task("queries", total=len(pages))
        faults = write_ranking_page(
            args.html,
            pages,
            f"Found in {args.gallery.name}",
            report=lambda done: progress.update(bar, completed=done),
        )
    print_written(args.html, len(names), faults)


def list_tracklets(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery:
        found = gallery.list(
            cameras=args.cameras,
            after=args.after,
            before=args.before,
            ids=args.ids,
            video=args.video,
            pid=args.pid,
            limit=args.limit or None,
        )
        if args.json:
            print(json.dumps([tracklet.to_dict() for tracklet in found], indent=1))
        else:
            print_tracklets(found)
            print(f"{args.gallery} has {len(gallery):,} tracklets")


def delete(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery:
        deleted = gallery.delete(args.ids, video=args.video, camera=args.camera, before=args.before)
        stay = f"; {deleted.unknown_time:,} of unknown time stay" if deleted.unknown_time else ""
        print(f"{deleted.tracklets:,} tracklets forgotten, {len(gallery):,} left{stay}")


def confirm(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery:
        pid = gallery.confirm(args.id, read_person(args.pid))
    print(f"{args.id}: {'unknown' if pid is None else f'person {pid}'}")


def expire(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery:
        deleted = gallery.expire(args.at)
        print(f"{deleted.tracklets:,} tracklets had expired, {len(gallery):,} left")


def rebuild(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery, reported(len(gallery)) as report:
        gallery.rebuild(args.engine, args.server, report)
        engine = gallery.settings.engine
    print(f"{args.gallery}: index {engine} is rebuilt")


def verify(args: argparse.Namespace) -> None:
    with Gallery(args.gallery) as gallery, reported(len(gallery)) as report:
        health = gallery.verify(report)
        settings = gallery.settings
    for fault in health.faults:
        print(f"error: {fault}", file=sys.stderr)
    print(
        f"{args.gallery}: {health.tracklets:,} tracklets, {settings.width} x {settings.dtype}, "
        f"engine {settings.engine}, model {settings.model[:16]}: "
        f"{'all is well' if health.is_healthy else 'there are faults'}"
    )
    sys.exit(0 if health.is_healthy else 1)


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "add": add,
    "search": search,
    "list": list_tracklets,
    "delete": delete,
    "confirm": confirm,
    "expire": expire,
    "rebuild": rebuild,
    "verify": verify,
}


def main() -> None:
    args = make_parser(__doc__).parse_args()
    COMMANDS[args.command](args)


if __name__ == "__main__":
    run_command(main)
