from __future__ import annotations

import pytest

from tests.conftest import Make

KEY, OTHER = {"Authorization": "Bearer sk-one"}, {"Authorization": "Bearer sk-two"}


def test_a_response_that_waits_is_cancelled(make: Make, database_url: str) -> None:
    client = make(DATABASE_URL=database_url, CONVERT_BACKGROUND_THREADS="0")
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi", "background": True}, headers=KEY).get_json()
    path = f"/v1/responses/{made['id']}"
    assert client.post(f"{path}/cancel", headers=OTHER).status_code == 404
    assert client.post(f"{path}/cancel", headers=KEY).get_json()["status"] == "cancelled"
    assert client.post(f"{path}/cancel", headers=KEY).get_json()["status"] == "cancelled"
    found = client.get(path, headers=KEY).get_json()
    assert (found["status"], found["output"]) == ("cancelled", [])
    ended = client.get(f"{path}?stream=true", headers=KEY).get_data(as_text=True)
    last = ended.split("\n\n")[-2]
    assert last.startswith("event: response.failed") and '"status":"cancelled"' in last


def test_only_background_responses_can_be_cancelled(make: Make) -> None:
    client = make()
    made = client.post("/v1/responses", json={"model": "m", "input": "Hi"}).get_json()["id"]
    refused = client.post(f"/v1/responses/{made}/cancel")
    assert (refused.status_code, refused.get_json()["error"]["message"]) == (
        400, "Cannot cancel a synchronous response.",
    )  # fmt: skip


@pytest.mark.parametrize("identity", ["resp_x", "resp_" + "0" * 48, "..%2fx"])
def test_an_id_that_does_not_exist(make: Make, identity: str) -> None:
    assert make().post(f"/v1/responses/{identity}/cancel").status_code == 404
