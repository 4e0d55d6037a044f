"""Work ahead in threads: in order, not too far, and gone when nobody wants it."""

from __future__ import annotations

import threading

import pytest

from mmctl.apis.inference.loading_queue import load_ahead
from tests.conftest import wait_until


@pytest.mark.parametrize("num_threads", [0, 1, 3])
def test_results_are_in_the_order_of_the_jobs(num_threads):
    assert list(load_ahead(range(50), lambda n: n * n, num_threads, 4)) == [
        n * n for n in range(50)
    ]


def test_no_more_is_done_than_is_wanted_soon():
    done = []
    results = load_ahead(iter(range(1000)), lambda n: done.append(n) or n, 2, 3)
    assert next(results) == 0
    wait_until(lambda: len(done) >= 4)
    results.close()
    assert len(done) <= 1 + 3 + 2 + 1
    assert not [t for t in threading.enumerate() if t.name.startswith("mmctl-")]


@pytest.mark.parametrize("num_threads", [0, 2])
def test_errors_of_jobs_and_of_their_source_reach_who_wants_the_results(num_threads):
    def jobs():
        yield from (1, 0)
        raise OSError("the source is dry")

    results = load_ahead(jobs(), lambda n: 1 / n, num_threads, 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    results = load_ahead(jobs(), lambda n: n, num_threads, 2)
    with pytest.raises(OSError, match="the source is dry"):
        list(results)
