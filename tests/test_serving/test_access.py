"""Who may ask: this machine's own pages; beyond it, who has the token."""

from __future__ import annotations

import socket

import pytest

pytest.importorskip("fastapi")

from mmctl.serving.access import Access, choose_token, is_this_machine

TOKEN = "a-token-of-20-letters"


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("localhost.evil.com", False),
        ("127.0.0.1.evil.com", False),
    ],
)
def test_an_address_beyond_this_machine_has_a_token(host, is_local):
    assert is_this_machine(host) == is_local
    token = choose_token(host, None)
    assert (token is None) == is_local
    if not is_local:
        assert len(token) >= 32
        assert token != choose_token(host, None)
        with pytest.raises(ValueError, match="must have a token"):
            Access(host, 8000)
    assert choose_token(host, TOKEN) == TOKEN


@pytest.mark.parametrize("given", ["short", "with spaces in the token", "ä" * 20])
def test_a_token_that_is_guessed_is_refused(given):
    with pytest.raises(ValueError, match="MMCTL_SERVE_TOKEN must be 16 to 256"):
        choose_token("127.0.0.1", given)


def test_the_printed_address_has_the_token_where_no_log_sees_it():
    assert Access("127.0.0.1", 80).address == "http://127.0.0.1:80/"
    assert Access("::1", 8000).address == "http://[::1]:8000/"
    address = Access("192.0.2.7", 8000, TOKEN).address
    assert address == f"http://192.0.2.7:8000/#token={TOKEN}"
    # Every address of this machine is none that a browser could open.
    assert Access("0.0.0.0", 8000, TOKEN).address.startswith(f"http://{socket.gethostname()}:")


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/gallery"])
@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:8123", "127.0.0.1", "127.0.0.1:80", "localhost:8124", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(browse, host, path):
    answer = browse().get(path, headers={"Host": host})
    assert answer.status_code == 403
    assert "alone, got host" in answer.json()["error"]


@pytest.mark.parametrize("host", ["127.0.0.1:8123", "localhost:8123", "[::1]:8123"])
def test_own_names_are_answered(browse, host):
    assert browse().get("/api/gallery", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.com"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8124"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_page_of_others_can_neither_read_nor_change(browse, filled, headers, token):
    client = browse(token=token)
    if token:
        headers = headers | {"Authorization": f"Bearer {token}"}
    tracklet = next(iter(filled.list()))
    assert client.get("/api/gallery", headers=headers).status_code == 403
    assert client.delete(f"/api/tracklets/{tracklet.id}", headers=headers).status_code == 403
    body = {"id": tracklet.id, "other": tracklet.id, "same": True}
    assert client.post("/api/answers", json=body, headers=headers).status_code == 403
    assert len(filled) == 6


def test_pages_of_this_server_are_answered(browse):
    headers = {"Origin": "http://127.0.0.1:8123", "Sec-Fetch-Site": "same-origin"}
    assert browse().get("/api/gallery", headers=headers).status_code == 200


DATA = [
    ("GET", "/api/gallery"),
    ("GET", "/api/tracklets"),
    ("GET", "/api/tracklets/{id}/frames/0"),
    ("POST", "/api/search"),
    ("POST", "/api/uploads"),
    ("POST", "/api/answers"),
    ("POST", "/api/tracklets/{id}/person"),
    ("DELETE", "/api/tracklets/{id}"),
]


def test_every_address_with_data_is_named_here(browse):
    from fastapi.routing import APIRoute

    routes = [route for route in browse().app.app.routes if isinstance(route, APIRoute)]
    found = {(method, route.path) for route in routes for method in route.methods}
    free = {("GET", "/"), ("GET", "/app.js"), ("GET", "/app.css"), ("POST", "/api/login")}
    known = {(method, path.replace("/0", "/{number}")) for method, path in DATA}
    assert found == known | free


@pytest.mark.parametrize(("method", "path"), DATA)
def test_nothing_is_answered_without_the_token(browse, filled, method, path):
    client = browse("192.0.2.7", TOKEN)
    tracklet = next(iter(filled.list()))
    path = path.format(id=tracklet.id)
    wrong = [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}]
    wrong += [{"Cookie": "gallery_8123=wrong"}, {"Cookie": f"gallery_8123={TOKEN}"}]
    for headers in wrong:
        answer = client.request(method, path, headers=headers)
        assert answer.status_code == 401, headers
        assert "token is missing or wrong" in answer.json()["error"]
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.request(method, path, headers=right).status_code != 401


def test_a_browser_logs_in_once(browse):
    client = browse("192.0.2.7", TOKEN)
    assert client.get("/").status_code == 200  # the page itself holds no data
    assert client.post("/api/login", json={"token": "wrong"}).status_code == 401
    assert not client.cookies
    answer = client.post("/api/login", json={"token": TOKEN})
    assert answer.status_code == 200
    assert TOKEN not in answer.headers["set-cookie"]
    for word in ("HttpOnly", "SameSite=strict"):
        assert word in answer.headers["set-cookie"]
    assert client.get("/api/gallery").status_code == 200


def test_what_is_too_long_or_says_no_length_is_refused(browse):
    client = browse()
    answer = client.post("/api/search", headers={"Content-Length": str(2**30)}, content=b"{}")
    assert answer.status_code == 413
    answer = client.post("/api/search", content=iter([b"{", b"}"]))
    assert answer.status_code == 411


@pytest.mark.parametrize("path", ["/", "/app.js", "/api/gallery", "/nowhere"])
@pytest.mark.parametrize("asked", [{}, {"Host": "evil.com"}])
def test_browsers_are_told_what_pages_may_do(browse, path, asked):
    headers = browse().get(path, headers=asked).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/login", "/api/search", "/api/answers"])
def test_only_crops_may_be_long(browse, path):
    answer = browse("192.0.2.7", TOKEN).post(
        path, headers={"Authorization": f"Bearer {TOKEN}"}, content=b" " * (2**16 + 1)
    )
    assert answer.status_code == 413
    assert "at most 65,536 bytes" in answer.json()["error"]


def test_pieces_are_refused_whatever_length_is_said(browse):
    headers = {"Content-Length": "5", "Transfer-Encoding": "chunked"}
    answer = browse().post("/api/search", headers=headers, content=b"{}   ")
    assert answer.status_code == 411


def test_the_token_is_asked_for_whatever_the_host_is_called(browse, monkeypatch):
    from starlette.datastructures import URL
    from starlette.requests import Request

    # Starlette before 1.0 makes this of the header "Host: evil?".
    monkeypatch.setattr(Request, "url", property(lambda _: URL("http://evil?/api/gallery")))
    answer = browse("0.0.0.0", TOKEN).get("/api/gallery", headers={"Host": "evil?"})
    assert answer.status_code == 401
