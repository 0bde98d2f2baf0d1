import pytest

from convert.formats.gemini.content import DUMMY
from convert.formats.gemini.flavor import GeminiFlavor
from convert.formats.gemini.foreign import without_foreign
from convert.hub import Sealed
from convert.losses import Report
from convert.sealed import tag

TAGGED = tag(Sealed("messages", "sig"))
CALL = {"functionCall": {"name": "f", "args": {}}}
USER = {"role": "user", "parts": [{"text": "hi"}]}


def trimmed(*parts, **flavor):
    body, report = {"contents": [USER, {"role": "model", "parts": list(parts)}]}, Report()
    return body, without_foreign(body, GeminiFlavor(**flavor), report), [str(loss) for loss in report.losses]


def test_what_is_its_own_stays_the_very_object():
    body, fitting, losses = trimmed({**CALL, "thoughtSignature": "AAAA"}, {"text": "a"})
    assert fitting is body and losses == []
    assert without_foreign({"contents": "hi"}, GeminiFlavor(), Report()) == {"contents": "hi"}


@pytest.mark.parametrize(
    ("part", "kept"),
    [
        ({**CALL, "thoughtSignature": TAGGED}, [{**CALL, "thoughtSignature": DUMMY}]),
        ({**CALL, "thought_signature": TAGGED}, [{**CALL, "thought_signature": DUMMY}]),
        ({"text": "hm", "thought": True, "thoughtSignature": TAGGED}, [{"text": "hm", "thought": True}]),
        ({"text": "", "thought": True, "thoughtSignature": TAGGED}, []),
    ],
)
def test_signatures_of_others_are_left_out(part, kept):
    _, fitting, losses = trimmed(part)
    assert fitting["contents"] == ([USER, {"role": "model", "parts": kept}] if kept else [USER])
    assert len(losses) == 1 and "sealed state of another provider" in losses[0]
    assert trimmed({**CALL, "thoughtSignature": TAGGED}, dummy_signature=False)[1]["contents"][1]["parts"] == [CALL]
