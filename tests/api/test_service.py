from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from convert.version import VERSION

Make = Callable[..., FlaskClient]


def test_health_needs_no_key_from_anywhere(make: Make) -> None:
    client = make(UPSTREAM_URL="https://api.x.com", UPSTREAM_API_KEY="k", UPSTREAM_PATH_PREFIX="x", CONVERT_KEYS="a")
    for path in ("/health", "/x/health"):
        answer = client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"})
        assert (answer.status_code, answer.json) == (200, {"status": "ok", "version": VERSION})


def test_the_root_says_what_is_here(make: Make) -> None:
    client = make()
    assert client.head("/").status_code == 200
    assert client.get("/").json["name"] == "convert"


def test_every_endpoint_that_it_names_is_there(make: Make) -> None:
    client = make()
    for line in client.get("/").json["endpoints"]:
        method, path = line.split()
        assert client.open(path.split("?")[0], method=method).status_code not in (404, 405), line
