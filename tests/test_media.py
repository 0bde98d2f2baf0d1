import pytest

from convert.media import data_url, guess_mime, split_data_url


def test_a_data_url_comes_apart_and_together():
    url = "data:image/svg+xml;base64,AAAA"
    assert split_data_url(url) == ("image/svg+xml", "AAAA")
    assert data_url(*split_data_url(url)) == url


@pytest.mark.parametrize("url", ["https://x/y.png", "data:text/plain,hello", "data:image/png;charset=x;base64,AA", ""])
def test_other_urls_stay_whole(url):
    assert split_data_url(url) is None


def test_unknown_types():
    assert data_url(None, "AA") == "data:application/octet-stream;base64,AA"
    assert guess_mime("a.pdf") == "application/pdf"
    assert guess_mime(None) is None and guess_mime("a.unknown-thing") is None
