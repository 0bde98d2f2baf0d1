from convert.formats.responses.foreign import without_foreign
from convert.hub import Sealed
from convert.losses import Report
from convert.sealed import tag


def test_reasoning_that_others_have_sealed_is_left_out():
    own = {"type": "reasoning", "encrypted_content": "gAAAA", "summary": []}
    foreign = {"type": "reasoning", "encrypted_content": tag(Sealed("messages", "sig")), "summary": []}
    message = {"role": "user", "content": "hi"}
    report = Report()
    assert without_foreign({"input": [message, foreign, own, "odd"]}, report) == {"input": [message, own, "odd"]}
    assert [str(loss) for loss in report.losses] == ["input[1] dropped (sealed reasoning of another provider)"]
    for body in ({"input": [message, own]}, {"input": "hi"}, {}):
        assert without_foreign(body, report) is body
