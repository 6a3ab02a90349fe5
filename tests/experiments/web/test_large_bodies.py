"""More than is taken is refused before it is read, and a hostile file costs nothing."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient

from experiments.web.app import make_app
from experiments.web.armour import MAX_BODY_BYTES

CHUNK = b"x" * 1_000_000
N_CHUNKS = 200


PART = b'--xxx\r\nContent-Disposition: form-data; name="file"; filename="results.xlsx"\r\n\r\n'


def asked_of_sender(
    root: Path, path: str, content_type: str, begin: bytes = b""
) -> tuple[dict[str, Any], int]:
    """Answer to 200 MB in chunks without a length, and how many bytes were asked for."""
    app = make_app(root)
    told: dict[str, Any] = {"body": b""}
    given = 0
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", content_type.encode()),
                    (b"transfer-encoding", b"chunked")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        nonlocal given
        body = CHUNK if given else begin + CHUNK
        given += len(body)
        return {"type": "http.request", "body": body, "more_body": given < N_CHUNKS * len(CHUNK)}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            told["status"] = message["status"]
            told["headers"] = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            told["body"] += message["body"]

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)

    anyio.run(run)
    return told, given


@pytest.mark.parametrize(
    ("path", "content_type", "begin"),
    [
        ("/api/v1/campaigns/lab/records", "application/json", b""),
        ("/c/lab/enter/R01/files", "multipart/form-data; boundary=xxx", PART),
    ],
)
def test_200_megabytes_in_chunks_are_refused_without_being_read(
    real_folder: Path, path: str, content_type: str, begin: bytes
):
    told, given = asked_of_sender(real_folder, path, content_type, begin)
    assert told["status"] == 413
    assert given <= MAX_BODY_BYTES + 2 * len(CHUNK)
    assert told["headers"]["x-content-type-options"] == "nosniff"
    assert b"at most 10 MB are taken at once" in told["body"]
    assert b"Traceback" not in told["body"]


def test_200_megabytes_of_json_are_refused_with_what_to_do(real_folder: Path):
    told, _ = asked_of_sender(real_folder, "/api/v1/campaigns/lab/records", "application/json")
    assert told["status"] == 413
    assert told["headers"]["content-type"] == "application/problem+json"
    assert b"at most 10 MB are taken at once; send the table without pictures" in told["body"]
    assert told["headers"]["connection"] == "close"


def test_a_length_of_200_megabytes_is_refused_unread(lab: TestClient):
    answer = lab.post(
        "/api/v1/campaigns/lab/records", content=b"{}", headers={"Content-Length": "200000000"}
    )
    assert answer.status_code == 413
    assert "at most 10 MB are taken at once, got 200 MB" in answer.json()["detail"]


@pytest.fixture
def upload(lab: TestClient) -> Iterator[Any]:
    """Sends a file through the page where results are entered."""
    page = lab.get("/c/lab/enter").text
    secret = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert secret is not None

    def send(name: str, raw: bytes) -> Any:
        return lab.post(
            "/c/lab/enter/R01/files", data={"csrf": secret[1]}, files={"file": (name, raw)}
        )

    yield send
    assert lab.get("/c/lab/enter").status_code == 200  # the server is well afterwards


def bomb(sheet_mb: int) -> bytes:
    """A workbook whose one sheet unpacks to much more than it has."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(sheet_mb):
                sheet.write(b" " * 1_000_000)
    return packed.getvalue()


def test_a_workbook_that_unpacks_to_a_bomb_is_refused(upload: Any):
    raw = bomb(200)
    assert len(raw) < 1_000_000
    answer = upload("results.xlsx", raw)
    assert answer.status_code == 422
    assert "results.xlsx" in answer.text
    assert "unpack" in answer.text


def test_a_file_that_is_no_table_is_refused(upload: Any):
    answer = upload("results.csv", bytes(range(256)) * 10)
    assert answer.status_code == 422
    assert "results.csv" in answer.text


def test_a_table_in_utf_16_is_read(upload: Any):
    text = (
        "specimen;property;value;unit;temperature_c\r\n"
        "R01-G1-P1;ionic_conductivity;1,27e-5;S/cm;60\r\n"
    )
    answer = upload("results.csv", text.encode("utf-16"))
    assert answer.status_code == 200
    assert "1,27e-5" in answer.text
