"""What the pages of the server ask for, as plain values; no web in here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmctl.datasets.frame_decoding import decode_frame
from mmctl.evaluation.calibration import Calibration
from mmctl.files import read_bytes, shorten
from mmctl.gallery import Gallery, QueryResult, StoredTracklet
from mmctl.serving.access import MOST_BYTES
from mmctl.serving.uploads import Upload, Uploads
from mmctl.visualization.found_pages import find_strip, make_verdicts
from mmctl.visualization.thumbnails import to_thumbnail

if TYPE_CHECKING:  # a gallery without a model needs no torch
    from mmctl.apis import TrackletInferencer

HEIGHT = 256
"""Of the pictures."""

MOST_LISTED = 200
_NOT_SHOWN = ("crop", "crop_root")


@dataclass(frozen=True)
class Narrowing:
    """Which tracklets a list or search is of; None: any.

    Attributes:
        cameras: Of these cameras.
        after: That ended then or later, ISO 8601.
        before: That began then or earlier.
    """

    cameras: Sequence[int] | None = None
    after: str | None = None
    before: str | None = None

    def to_arguments(self) -> dict[str, Any]:
        """Return the arguments of ``Gallery.search`` and ``list``."""
        return {
            "cameras": self.cameras or None,
            "after": self.after or None,
            "before": self.before or None,
        }


class Desk:
    """A gallery with what is needed to search it for new crops and to judge what is found.

    Args:
        gallery: The gallery.
        inferencer: Its model, for crops that are sent; None: none are taken.
        calibration: What says how sure a similarity is; None: nothing does.

    Raises:
        ValueError: If the model is another than the gallery's.
    """

    def __init__(
        self,
        gallery: Gallery,
        inferencer: TrackletInferencer | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self.gallery, self.calibration = gallery, calibration
        self._answering = threading.Lock()
        self.uploads = None if inferencer is None else Uploads(inferencer, HEIGHT)
        if inferencer is not None:
            described, settings = inferencer.describe_model(), gallery.settings
            if described["model"] != settings.model:
                raise ValueError(
                    f"gallery {gallery.path} is of the model {settings.model[:16]} (feature "
                    f"{settings.feature!r}), got {described['model'][:16]} (feature "
                    f"{described['feature']!r}): take the checkpoint, config and --feature that "
                    "its features were made with"
                )

    def describe(self) -> dict[str, Any]:
        """Return what is the same for all pages."""
        settings = self.gallery.settings
        return {
            "name": self.gallery.path.resolve().name,
            "tracklets": len(self.gallery),
            "cameras": self.gallery.cameras(),
            "model": settings.model,
            "feature": settings.feature,
            "takes_crops": self.uploads is not None,
            "most_bytes": MOST_BYTES,
        }

    def list_tracklets(
        self,
        narrowing: Narrowing,
        video: str | None = None,
        pid: int | None = None,
        beyond: int = 0,
        limit: int = 24,
    ) -> dict[str, Any]:
        """Return tracklets in the order in which they came in, and where the next ones begin.

        Args:
            narrowing: Which ones.
            video: Of this video; None or '': any.
            pid: Of this person; None: any.
            beyond: Those after this row.
            limit: How many, at most 200.
        """
        wanted = min(max(1, limit), MOST_LISTED)
        found = self.gallery.list(
            **narrowing.to_arguments(), video=video or None, pid=pid, beyond=beyond
        )
        tracklets = list(islice(found, wanted + 1))
        rest = tracklets[wanted - 1].row if len(tracklets) > wanted else None
        return {"tracklets": [_to_plain(t) for t in tracklets[:wanted]], "next": rest}

    def search(
        self, query: str, narrowing: Narrowing, topk: int = 20, exclude_same_camera: bool = False
    ) -> dict[str, Any]:
        """Return what is most similar to a tracklet or an upload.

        Args:
            query: Id of the one or the other.
            narrowing: Among which tracklets.
            topk: Most hits.
            exclude_same_camera: Leave out those of the query's camera.
        """
        upload, options = self._find_upload(query), narrowing.to_arguments()
        options |= {"topk": topk, "exclude_same_camera": exclude_same_camera}
        if upload is None:
            (result,) = self.gallery.search([query], **options)
            shown, rejected = _to_plain(self._read(query)), self.gallery.rejected(query)
        else:
            cameras = [upload.camera]
            (result,) = self.gallery.search(upload.feature, **options, query_cameras=cameras)
            shown, rejected = _upload_to_plain(upload), upload.rejected
        return {
            "query": shown,
            "searched": result.num_searched,
            "excluded": result.excluded,
            "hits": self._to_hits(result, rejected),
        }

    def _to_hits(self, result: QueryResult, rejected: set[str]) -> list[dict[str, Any]]:
        verdicts = make_verdicts(self.calibration, len(self.gallery))
        return [
            {
                **_to_plain(hit.tracklet),
                "rank": hit.rank,
                "similarity": hit.similarity,
                "verdict": verdicts(hit.similarity),
                "rejected": hit.tracklet.id in rejected,
            }
            for hit in result.hits
        ]

    def draw(self, id: str, number: int) -> bytes:
        """Return a frame as a JPEG of :data:`HEIGHT` pixels.

        Only pictures beside the crop of a tracklet are read, within its folder of crops.

        Args:
            id: Of a tracklet or an upload.
            number: Which frame, from 0.

        Raises:
            FileNotFoundError: If there is no such frame.
            ValueError: If it cannot be read.
        """
        upload = self._find_upload(id)
        if upload is not None:
            frames: Sequence[bytes | Path] = upload.thumbnails
        else:
            frames = find_strip(self._read(id).find_crop())
        if not 0 <= number < len(frames):
            raise FileNotFoundError(
                f"{shorten(id)} has {len(frames)} frames, not a number {number}"
            )
        frame = frames[number]
        if isinstance(frame, bytes):
            return frame
        picture = decode_frame(read_bytes(frame, "frame"), str(frame))
        return to_thumbnail(picture, HEIGHT)[0]

    def take(self, files: Sequence[tuple[str, bytes]], camera: int | None) -> dict[str, Any]:
        """Take crops to search for; see :meth:`Uploads.add`.

        Raises:
            ValueError: If no model was given, or the crops are none.
        """
        if self.uploads is None:
            raise ValueError("crops can be searched for where serve_gallery.py got a --checkpoint")
        return _upload_to_plain(self.uploads.add(files, camera))

    def answer(self, id: str, other: str, is_same: bool | None) -> dict[str, Any]:
        """Say whether a query and a hit are one person; see ``Gallery.answer_pair``.

        Args:
            id: The query, a tracklet or an upload.
            other: The hit.
            is_same: True, False, or None to take a False back.

        Returns:
            ``pid``: the person, where they are one.
        """
        upload = self._find_upload(id)
        if upload is None:
            return {"pid": self.gallery.answer_pair(id, other, is_same)}
        with self._answering:  # the person of one answer counts for the next
            return {"pid": self._answer_upload(upload, other, is_same)}

    def _answer_upload(self, upload: Upload, other: str, is_same: bool | None) -> int | None:
        hit = self._read(other)
        known = hit.pid if hit.pid is not None and hit.pid > 0 else None
        if not is_same:
            if is_same is False and known is not None and known == upload.pid:
                raise ValueError(
                    f"this query and {other} are both person {known} by earlier answers: give the "
                    "hit another person first"
                )
            (upload.rejected.add if is_same is False else upload.rejected.discard)(other)
            return None
        if None not in (known, upload.pid) and known != upload.pid:
            raise ValueError(
                f"this query is person {upload.pid} by an earlier answer, {other} is person {known}"
            )
        upload.pid = known or self.name(other, upload.pid or "new")
        upload.rejected.discard(other)
        return upload.pid

    def name(self, id: str, pid: Any) -> int | None:
        """Say who a tracklet is; see ``Gallery.confirm``."""
        return self.gallery.confirm(id, pid)

    def delete(self, id: str) -> int:
        """Forget a tracklet or an upload; returns how many were."""
        if self._find_upload(id) is not None:
            assert self.uploads is not None
            return int(self.uploads.forget(id))
        return self.gallery.delete([id]).tracklets

    def _read(self, id: str) -> StoredTracklet:
        for tracklet in self.gallery.list(ids=[id]):
            return tracklet
        raise FileNotFoundError(f"tracklet {shorten(id)} has just been deleted")

    def _find_upload(self, id: str) -> Upload | None:
        return None if self.uploads is None else self.uploads.find(id)


def _to_plain(tracklet: StoredTracklet) -> dict[str, Any]:
    values = {k: v for k, v in tracklet.to_dict().items() if k not in _NOT_SHOWN}
    return values | {"row": tracklet.row, "frames": len(find_strip(tracklet.find_crop()))}


def _upload_to_plain(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "camera": upload.camera,
        "quality": upload.quality,
        "pid": upload.pid,
        "frames": len(upload.thumbnails),
        "is_upload": True,
    }
