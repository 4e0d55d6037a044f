"""Requests to the server, and what it answers, which several tests read."""

from __future__ import annotations


def ask(client, path, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error_of(answer, status):
    assert answer.status_code == status, answer.text
    (text,) = answer.json().values()
    assert "\n" not in text
    return text


def send(client, frames, **fields):
    files = [("crops", (name, content)) for name, content in frames]
    return client.post("/api/uploads", files=files, data=fields)


def read(paths):
    return [(path.name, path.read_bytes()) for path in paths]
