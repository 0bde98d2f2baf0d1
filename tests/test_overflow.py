import pytest

from convert.overflow import overflow


@pytest.mark.parametrize(
    ("message", "numbers"),
    [
        ("This model's maximum context length is 128000 tokens. However, your messages resulted in 130,001 tokens.",
         (130001, 128000)),
        ("prompt is too long: 210000 tokens > 200000 maximum", (210000, 200000)),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", (1200000, 1048576)),
        ("request (9001 tokens) exceeds the available context size (8192 tokens), try increasing it", (9001, 8192)),
        ("Range of input length should be [1, 30720]", None),
        ("Your input exceeds the context window of this model. Please adjust your input and try again.", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_numbers_of_an_overflow(message, numbers):
    assert overflow(message) == numbers
