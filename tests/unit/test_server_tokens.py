"""The tokenizers of the local Messages API."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.anthropic_server import Tokenizer, Tokens, TokensByScript

BY_SCRIPT = TokensByScript(prose=5.0, code=2.0, wide=0.5)
TOKENIZERS = [Tokens(), Tokens(1.0), BY_SCRIPT]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("nine more", 2),
        ("x = f(a)[0]", 6),
        ("日本", 5),
        ("prose\nx=1", 4),
        ("", 1),
    ],
)
def test_each_kind_of_text_has_its_own_density(text: str, tokens: int) -> None:
    assert BY_SCRIPT.count(text) == tokens


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
@given(text=st.text(), tokens=st.integers(0, 50))
def test_head_is_the_text_within_its_tokens(
    tokenizer: Tokenizer, text: str, tokens: int
) -> None:
    head = tokenizer.head(text, tokens)
    assert text.startswith(head)
    assert not head or tokenizer.count(head) <= tokens


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
@given(text=st.text())
def test_prompt_never_has_more_tokens_than_its_size(
    tokenizer: Tokenizer, text: str
) -> None:
    body = {"messages": [{"role": "user", "content": text}]}
    assert tokenizer.prompt(body, 20) <= 20


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=repr)
def test_markers_of_the_prompt_cache_count_nothing(tokenizer: Tokenizer) -> None:
    def body(**marker: object) -> dict[str, object]:
        image = {"type": "image", "source": {}, **marker}
        tool = {"name": "t", "input_schema": {}, **marker}
        return {"tools": [tool], "messages": [{"role": "user", "content": [image]}]}

    marked = body(cache_control={"type": "ephemeral"})
    assert tokenizer.prompt(marked, 999) == tokenizer.prompt(body(), 999)


@pytest.mark.parametrize("wrong", [{"prose": 0.9}, {"code": 0.5}, {"wide": 0.3}])
def test_token_of_less_than_a_byte_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        TokensByScript(**wrong)
