import pytest

from convert import hub
from convert.errors import ProxyError
from convert.formats.messages.sources import write_media
from convert.losses import Report

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (hub.Media(kind="image", mime="image/png", data=PNG["data"]), {"type": "image", "source": PNG}),
        (hub.Media(kind="image", data=PNG["data"]), {"type": "image", "source": PNG}),
        (hub.Media(kind="image", url="u"), {"type": "image", "source": {"type": "url", "url": "u"}}),
        (hub.Media(kind="file", mime="image/png", data=PNG["data"]), {"type": "image", "source": PNG}),
        (
            hub.Media(kind="file", data="JVBE", name="a.pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
                "title": "a.pdf",
            },
        ),
        (
            hub.Media(kind="file", mime="text/csv", data="YSxi"),
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
        ),
        (hub.Media(kind="file", url="u"), {"type": "document", "source": {"type": "url", "url": "u"}}),
    ],
)
def test_a_part_of_another_format(part, block):
    assert write_media(part, False, Report()) == block


@pytest.mark.parametrize(
    "part",
    [
        hub.Media(kind="image", mime="image/svg+xml", data="aa"),
        hub.Media(kind="audio", data="aa"),
        hub.Media(kind="file", mime="video/mp4", data="aa"),
        hub.Media(kind="file", file_id="file-1"),
        hub.Media(kind="file", mime="text/plain", data="/w=="),
    ],
)
def test_what_has_no_place_is_refused(part):
    part.path = "here"
    with pytest.raises(ProxyError) as caught:
        write_media(part, False, Report())
    assert (caught.value.kind, caught.value.param) == ("unsupported", "here")


def test_what_an_image_lacks_is_told():
    report = Report()
    write_media(hub.Media(kind="image", url="u", detail="high", name="a.png", path="p"), False, report)
    assert [loss.path for loss in report.losses] == ["p.detail", "p.filename"]
