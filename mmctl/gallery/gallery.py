"""A gallery that lasts: tracklets of many cameras, found by their features, and forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mmctl.gallery.additions import Added, Addition, check_origin
from mmctl.gallery.answers import answer_pair, name_person
from mmctl.gallery.columns import UNKNOWN
from mmctl.gallery.deletions import Deleted, forget, forget_expired
from mmctl.gallery.health import Health, check_health
from mmctl.gallery.hits import QueryResult, StoredTracklet
from mmctl.gallery.index import Report
from mmctl.gallery.listing import Listing
from mmctl.gallery.moments import Moment
from mmctl.gallery.opening import GalleryFiles
from mmctl.gallery.records import RecordSet, TrackletRecord
from mmctl.gallery.searches import Queries, SearchOptions, make_filter, run_search
from mmctl.gallery.settings import GallerySettings


class Gallery:
    """Tracklets in a folder: rows and features in SQLite, and an index to search them.

    What a call has returned from (``add``: what it has reported) is on the disk, whatever happens
    next. Several processes may use a gallery at the same time, and several threads one object;
    writers wait for each other.

    Args:
        path: Folder of the gallery. The first ``add`` makes it.
        engine: Index of a new gallery: ``'exact'`` (default), ``'faiss'`` or ``'milvus'``.
        server: URI of a Milvus server, as ``http://localhost:19530``, for ``'milvus'``; without it
            Milvus Lite works in the folder.
        dtype: Numbers of a new gallery: ``'float32'`` (default), or ``'float16'`` at half the size.

    Raises:
        ValueError: If the place is none for a gallery, what is there is damaged or of a newer
            version, or the gallery there has another engine or type.
    """

    def __init__(
        self,
        path: str | Path,
        engine: str | None = None,
        server: str | None = None,
        dtype: str | None = None,
    ) -> None:
        self._files = GalleryFiles(path, engine, server, dtype)
        self.path = self._files.path

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._files.store.columns()) if self._files.exists() else 0

    @property
    def settings(self) -> GallerySettings:
        """What the gallery is of: model, kind of feature, width, type, engine."""
        return self._files.store.settings

    def add(
        self,
        records: RecordSet | Iterable[TrackletRecord],
        *,
        model: str | None = None,
        feature: str = "",
        keep_for: timedelta | None = None,
        report: Report | None = None,
    ) -> Added:
        """Add tracklets; those that are there already are replaced where they differ.

        Args:
            records: The tracklets, as ``read_records`` gives them, or one by one with ``model``.
            model: Hash of the model, if ``records`` do not say.
            feature: What the features are, in words, if ``records`` do not say.
            keep_for: How long after its end a tracklet is kept, or, where its time is unknown,
                after this moment; searches do not find it later, ``expire`` takes it out. None: for
                good.
            report: Is told how many are on the disk, for good.

        Returns:
            How many were new, replaced, and there already.

        Raises:
            ValueError: If they are of another model or width than the gallery, or one breaks a
                rule or is there twice; those that were reported stay.
            DiskFullError: If the disk is full; those that were reported stay.
        """
        if isinstance(records, RecordSet):
            model, feature = records.model, records.feature
        source = iter(records)
        first = next(source, None)
        if first is None:
            return Added()
        if not self._files.exists():
            self._files.create(first, model or "", feature)
        store, index = self._files.store, self._files.index
        check_origin(store, model, feature)
        with store.lock:
            added = Addition(store, keep_for).run(chain([first], source), report)
            if store.counter("unerased"):
                index.erase()
            else:
                index.up_to_date()
        return added

    def search(
        self,
        features: npt.NDArray[Any] | RecordSet | Sequence[str],
        topk: int = 10,
        *,
        cameras: Iterable[int] | None = None,
        after: Moment | None = None,
        before: Moment | None = None,
        ids: Iterable[str] | None = None,
        exclude_same_camera: bool = False,
        query_cameras: Sequence[int | None] | None = None,
        model: str | None = None,
    ) -> list[QueryResult]:
        """Find the most similar tracklets.

        Args:
            features: Unit vectors, (Q, C) or (C,); or records; or ids of the gallery. A record or
                id that is in the gallery does not find itself.
            topk: How many hits a query has at most.
            cameras: Only tracklets of these cameras; those of unknown ones are left out then.
            after: Only those that ended then or later; those of unknown time are left out.
            before: Only those that began then or earlier; likewise.
            ids: Only these.
            exclude_same_camera: Leave out tracklets of the query's camera; those of unknown cameras
                stay.
            query_cameras: Camera of each query, where ``features`` are vectors.
            model: Hash of the model of the vectors; it is compared with the gallery's.

        Returns:
            A result for each query, equal to that of a comparison with every tracklet.

        Raises:
            ValueError: If the queries do not fit the gallery, or a filter is none.
        """
        store, index = self._files.store, self._files.index
        with store.lock:
            while True:
                engine = index.up_to_date()
                with store.reading():
                    if index.opened_change() != store.counter("features"):
                        continue  # another process has just written
                    queries = Queries.of(features, query_cameras, model, store)
                    chosen = make_filter(store, cameras, after, before, ids)
                    options = SearchOptions(topk, chosen, exclude_same_camera)
                    return run_search(store, engine, queries, options)

    def list(
        self,
        *,
        cameras: Iterable[int] | None = None,
        after: Moment | None = None,
        before: Moment | None = None,
        ids: Iterable[str] | None = None,
        video: str | None = None,
        pid: int | None = None,
        beyond: int = 0,
        limit: int | None = None,
    ) -> Iterator[StoredTracklet]:
        """Yield tracklets in the order in which they came in; the filters are those of ``search``.

        Expired ones are listed until ``expire`` takes them out. A page after another begins
        ``beyond`` the last one's ``row``.
        """
        store = self._files.store
        chosen = make_filter(store, cameras, after, before, ids)
        return Listing(chosen, video, pid, beyond, limit).run(store)

    def cameras(self) -> tuple[int, ...]:
        """Return the numbers of all known cameras, rising."""
        found = np.unique(self._files.store.columns().cameras)
        return tuple(found[found != UNKNOWN].tolist())

    def features(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return the features of tracklets, (n, C)."""
        store = self._files.store
        with store.reading():
            return store.features(store.find(ids)).astype(np.float32)

    def delete(
        self,
        ids: Iterable[str] | None = None,
        *,
        video: str | None = None,
        camera: int | None = None,
        before: Moment | None = None,
    ) -> Deleted:
        """Forget tracklets: afterwards their bytes are in no file of the gallery.

        Several conditions must all be met. This writes database and index anew, so many tracklets
        at once take no longer than one.

        Args:
            ids: These.
            video: Those of this video.
            camera: Those of this camera.
            before: Those that ended before; those of unknown time stay.

        Raises:
            ValueError: If there is no condition, an id is not there, or another process reads for
                so long that the bytes cannot be erased: the rows are gone then, and the next call
                that writes erases the bytes.
        """
        return forget(self._files.store, self._files.index, ids, video, camera, before)

    def expire(self, moment: Moment | None = None) -> Deleted:
        """Forget what has expired, as ``delete`` does.

        Args:
            moment: When; None: now.
        """
        return forget_expired(self._files.store, self._files.index, moment)

    def confirm(self, id: str, pid: int | Literal["new"] | None) -> int | None:
        """Say who somebody is; adding the tracklet again does not change that.

        Args:
            id: The tracklet.
            pid: The person, 0 for nobody of interest, -1 for junk; ``'new'``: somebody of whom no
                other tracklet is, by the next number; None: unknown again.

        Returns:
            The person.

        Raises:
            ValueError: If there is no such tracklet, or the number is none.
        """
        with self._files.store.writing():
            return name_person(self._files.store, id, pid)

    def answer_pair(self, id: str, other: str, is_same: bool | None) -> int | None:
        """Say whether two tracklets are of one person.

        Args:
            id: A tracklet, whose answers go when it is deleted.
            other: Another one.
            is_same: True: both get the person of that one which has one, else a new number. False:
                two persons, whoever they are. None: takes back that they are two.

        Returns:
            The person of both, where they are one.

        Raises:
            ValueError: If one is not there, or their numbers say otherwise.
        """
        with self._files.store.writing():
            return answer_pair(self._files.store, id, other, is_same)

    def rejected(self, id: str) -> set[str]:
        """Return the ids of those that were said to be of another person than this one."""
        return self._files.store.rejected(id)

    def rebuild(
        self, engine: str | None = None, server: str | None = None, report: Report | None = None
    ) -> None:
        """Build the index anew from the database, and erase what was deleted before.

        Args:
            engine: Another index than before, see :class:`Gallery`.
            server: URI of its Milvus server.
            report: Is told how many tracklets are in it.
        """
        store, index = self._files.store, self._files.index
        with store.lock:
            if engine is None and server is None:
                index.up_to_date(force=True, report=report)
            else:
                index.change_engine(engine or "milvus", server or "", report)
            index.erase()

    def verify(self, report: Report | None = None) -> Health:
        """Look at everything: the database, each feature, and whether the index holds the same."""
        with self._files.store.lock:
            return check_health(self._files.store, self._files.index, report)

    def close(self) -> None:
        """Close the files; the next call opens them again."""
        self._files.close()
