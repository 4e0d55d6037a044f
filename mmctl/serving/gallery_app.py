"""The web side: addresses, what they take and give, and errors in one line."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import FastAPI, File, Form, Path, Query, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser

from mmctl.files import DiskFullError
from mmctl.serving.access import LOGIN, MOST_BYTES, UPLOADS, Access, Gate
from mmctl.serving.desk import Desk, Narrowing
from mmctl.visualization.ranking_page_parts import STYLE

_PAGE = FilePath(__file__).with_name("page")
_STATUS = {FileNotFoundError: 404, PermissionError: 403, DiskFullError: 507, ValueError: 400}
_Id = Annotated[str, Path(pattern="^[0-9a-f]{16,32}$")]
_Camera = Annotated[list[int] | None, Query()]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Login(_Body):
    token: str


class _Search(_Body):
    id: str
    cameras: list[int] | None = None
    after: str | None = None
    before: str | None = None
    topk: int = 20
    exclude_same_camera: bool = False


class _Answer(_Body):
    id: str
    other: str
    same: bool | None


class _Person(_Body):
    pid: int | Literal["new"] | None


def make_app(desk: Desk, access: Access) -> Gate:
    """Return the application.

    Args:
        desk: What answers.
        access: Who may ask.
    """
    MultiPartParser.spool_max_size = MOST_BYTES  # crops of people never reach the disk
    # Its own pages of documentation load programs from elsewhere.
    app = FastAPI(title="mmctl gallery", docs_url=None, redoc_url=None, openapi_url=None)
    _add_pages(app)
    _add_login(app, access)
    _add_gallery(app, desk)
    for kind in (*_STATUS, OSError):
        app.add_exception_handler(kind, _explain)
    app.add_exception_handler(RequestValidationError, _explain_request)
    app.add_exception_handler(HTTPException, _explain_refusal)
    return Gate(app, access)


def _add_pages(app: FastAPI) -> None:
    def give(content: str, kind: str) -> Any:
        return lambda: Response(content, media_type=kind)

    style = STYLE + _PAGE.joinpath("app.css").read_text("utf-8")
    page = _PAGE.joinpath("index.html").read_text("utf-8")
    program = _PAGE.joinpath("app.js").read_text("utf-8")
    app.get("/")(give(page, "text/html"))
    app.get("/app.css")(give(style, "text/css"))
    app.get("/app.js")(give(program, "text/javascript"))


def _add_login(app: FastAPI, access: Access) -> None:
    @app.post(LOGIN)
    def login(body: _Login) -> Response:
        if not access.knows(body.token):
            return JSONResponse({"error": "this is not the token that the server printed"}, 401)
        response = JSONResponse({"is_known": True})
        response.set_cookie(access.cookie, access.session, httponly=True, samesite="strict")
        return response


def _add_gallery(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/gallery")
    def describe() -> dict[str, Any]:
        return desk.describe()

    @app.get("/api/tracklets")
    def list_tracklets(
        camera: _Camera = None,
        after: str | None = None,
        before: str | None = None,
        video: str | None = None,
        pid: int | None = None,
        beyond: int = 0,
        limit: int = 24,
    ) -> dict[str, Any]:
        return desk.list_tracklets(Narrowing(camera, after, before), video, pid, beyond, limit)

    @app.get("/api/tracklets/{id}/frames/{number}")
    def draw(id: _Id, number: int) -> Response:
        return Response(desk.draw(id, number), media_type="image/jpeg")

    @app.post("/api/search")
    def search(body: _Search) -> dict[str, Any]:
        narrowing = Narrowing(body.cameras, body.after, body.before)
        return desk.search(body.id, narrowing, body.topk, body.exclude_same_camera)

    @app.post(UPLOADS)
    def take(
        crops: Annotated[list[UploadFile], File()],
        camera: Annotated[int | None, Form(ge=0, lt=2**63)] = None,
    ) -> dict[str, Any]:
        content = [(crop.filename or "", crop.file.read()) for crop in crops]
        return desk.take(content, camera)

    @app.post("/api/answers")
    def answer(body: _Answer) -> dict[str, Any]:
        return desk.answer(body.id, body.other, body.same)

    @app.post("/api/tracklets/{id}/person")
    def name(id: _Id, body: _Person) -> dict[str, Any]:
        return {"pid": desk.name(id, body.pid)}

    @app.delete("/api/tracklets/{id}")
    def delete(id: _Id) -> dict[str, Any]:
        return {"deleted": desk.delete(id)}


def _explain(request: Request, error: Exception) -> Response:  # noqa: ARG001
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"error": " ".join(str(error).split())}, status)


def _explain_request(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"error": f"{place}: {first['msg']}"}, 422)


def _explain_refusal(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code)
