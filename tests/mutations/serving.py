"""Mistakes of the gallery in the browser: others get in, or answers go astray."""

from __future__ import annotations

from tests.mutations.mutation import mistakes_in

_ACCESS, _APP = "tests/test_serving/test_access.py", "tests/test_serving/test_gallery_app.py"
_SENT = "tests/test_serving/test_sent_crops.py"

ACCESS = mistakes_in(
    "mmctl/serving/access.py",
    (_ACCESS,),
    {
        "access: any host name is its own": (
            "return host in {name + port",
            "return host or {name + port",
        ),
        "access: pages of others may ask": (
            "is_foreign = origin is not None and",
            "is_foreign = False and",
        ),
        "access: other sites may ask": ('("cross-site", "same-site")', '("cross-origin",)'),
        "access: no token beyond this machine": (
            "return None if is_this_machine(host) else secrets.token_urlsafe(24)",
            "return None",
        ),
        "access: data without the token": (
            "if is_data and path != LOGIN and",
            "if False and",
        ),
        "access: any cookie will do": (
            "is_session = hmac.compare_digest(cookie.encode(), self.session.encode())",
            "is_session = bool(cookie)",
        ),
        "access: any bearer will do": (
            'kind == "Bearer" and self.knows(token)',
            'kind == "Bearer"',
        ),
        "access: the token is the cookie": (
            "session: str = field(default_factory=lambda: secrets.token_urlsafe(32))",
            'session: str = ""',
        ),
        "access: requests of any length": ("if int(length) > most:", "if False:"),
        "access: words as long as crops": ("if path == UPLOADS else _MOST_WORDS", "if path else 0"),
        "access: pieces of no length": (' or "transfer-encoding" in headers', ""),
        "access: the host's header names the path": (
            'path = request.scope["path"]',
            "path = request.url.path",
        ),
        "access: a length need not be said": (
            'if not length.isdecimal() or "transfer-encoding" in headers:',
            "if False:",
        ),
        "access: refusals lack the policy": (
            "await answer(scope, receive, send_with_headers)",
            "await answer(scope, receive, send)",
        ),
        "access: this machine is whatever begins like it": (
            "return ipaddress.ip_address(host).is_loopback",
            'return host.startswith("127.")',
        ),
    },
)

APP = mistakes_in(
    "mmctl/serving/gallery_app.py",
    (_ACCESS, _APP, _SENT),
    {
        "app: any token logs in": ("if not access.knows(body.token):", "if False:"),
        "app: programs may read the cookie": ("httponly=True", "httponly=False"),
        "app: crops reach the disk": (
            "MultiPartParser.spool_max_size = MOST_BYTES",
            "pass",
        ),
        "app: other sites send the cookie": ('samesite="strict"', 'samesite="lax"'),
    },
)

DESK = mistakes_in(
    "mmctl/serving/desk.py",
    (_APP, _SENT),
    {
        "desk: features of another model": (
            'if described["model"] != settings.model:',
            "if False:",
        ),
        "desk: a page begins with its predecessor's last": (
            "rest = tracklets[wanted - 1].row",
            "rest = tracklets[wanted].row",
        ),
        "desk: folders are shown": ('_NOT_SHOWN = ("crop", "crop_root")', "_NOT_SHOWN = ()"),
        "desk: what was rejected looks open": ("hit.tracklet.id in rejected", "False"),
        "desk: an upload's camera is forgotten": ("cameras = [upload.camera]", "cameras = [None]"),
        "desk: an upload has no person": (
            'upload.pid = known or self.name(other, upload.pid or "new")',
            'upload.pid = known or self.name(other, "new")',
        ),
        "desk: a hit of another person is taken": (
            "if None not in (known, upload.pid) and known != upload.pid:",
            "if False:",
        ),
        "desk: answers of one moment differ": (
            "with self._answering:",
            "if self._answering:",
        ),
        "desk: frames are counted from the end": (
            "if not 0 <= number < len(frames):",
            "if number >= len(frames):",
        ),
    },
)

UPLOADS = mistakes_in(
    "mmctl/serving/uploads.py",
    (_SENT,),
    {
        "uploads: frames in the order of letters": (
            "key=lambda item: _by_numbers(item[0])",
            "key=lambda item: item[0]",
        ),
        "uploads: frames as they come": (
            "ordered = sorted(files, key=lambda item: _by_numbers(item[0]))",
            "ordered = list(files)",
        ),
        "uploads: kept for good": ("while len(self._kept) > _MOST_UPLOADS:", "while False:"),
        "uploads: the latest is forgotten": ("popitem(last=False)", "popitem(last=True)"),
        "uploads: as many pixels as they like": ("if pixels > _MOST_PIXELS:", "if False:"),
        "uploads: keypoints are dropped": ('arguments["keypoints"] = ', "_ = "),
    },
)

ANSWERS = mistakes_in(
    "mmctl/gallery/answers.py",
    ("tests/test_gallery/test_answers.py",),
    {
        "answers: junk is a person": (
            "_NOBODY = (None, DISTRACTOR_PID, JUNK_PID)",
            "_NOBODY = (None,)",
        ),
        "answers: two persons become one": ("if len(set(known)) > 1:", "if False:"),
        "answers: one person becomes two": ("if is_same is False and len(known) == 2", "if False"),
        "answers: a new person has an old number": ("store.highest_pid() + 1", "1"),
        "answers: an earlier answer stays": (
            "    store.set_rejection(id, other, False)\n    return pid",
            "    return pid",
        ),
    },
)

REJECTIONS = mistakes_in(
    "mmctl/gallery/store.py",
    ("tests/test_gallery/test_answers.py", "tests/test_gallery/test_hostile.py"),
    {
        "rejections: one way round": (
            "self.connection.executemany(change, [(id, other), (other, id)])",
            "self.connection.executemany(change, [(id, other)])",
        ),
        "rejections: the others remember who is deleted": (
            "for delete in both_ways:",
            "for delete in both_ways[1:]:",
        ),
        "store: a database that was taken away goes on": (
            "if os.path.samestat(self._place.stat(), self._file):",
            "if True:",
        ),
        "rejections: the deleted one remembers others": (
            "for delete in both_ways:",
            "for delete in both_ways[:1]:",
        ),
    },
)

SERVING = (*ACCESS, *APP, *DESK, *UPLOADS, *ANSWERS, *REJECTIONS)
