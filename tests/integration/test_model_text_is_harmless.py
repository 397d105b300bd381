"""No reply of a model becomes live HTML, even where Markdown is not sanitised."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from costroute_nb.core.messages import Usage
from costroute_nb.core.result import Result
from costroute_nb.core.thread import Thread
from costroute_nb.notebook.escaping import code_block, inline, markdown, plain
from costroute_nb.notebook.listed import list_page
from costroute_nb.notebook.threads import transcript

# Pieces that have meaning in some Markdown dialect, and what must not come alive.
PIECES = [
    "<script>alert(1)</script>", "<small>", "</small>", "<img src=x onerror=alert(1)>", "<evil a='`'>", "</evil>",
    "<!-- c -->", "<?x?>", "<![CDATA[x]]>", "<!DOCTYPE x>", "`", "``", "```", "````", "~~~",
    "```mermaid", "```html", "$", "$$", "\\[", "\\\\[", "\\\\]", "\\\\(", "\\\\)",
    "\\begin{a}", "\\end{a}", "\\", "|", "| - |", "- ", "1. ", "> ", "# ", "    ", "  ",
    "\t", "\n", "\n\n", "\n\n\n", "[", "]", "(", ")", "](", "]: ", "![", "x", " ", "*", "**",
    "_", "javascript:alert(1)", "java&#115;cript:x", "JaVaScRiPt&colon;x", "data:text/html,x",
    "https://example.org", "<https://example.org>", "<javascript:x>", "=", "---", "&lt;", "&",
    "\x00", "\x1b[31m", "\u2028", "\x85", "\x0b", "~", "^",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)

RESULT = Result(
    text="", model="m", tier="small", provider="p", reason="r", usage=Usage(),
    cost_usd=0.0, saved_usd=None, baseline_model="b", call_id="c",
)  # fmt: skip

# No `small`: that is what receipts are in.
OURS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "li", "ol", "p", "pre", "span", "strong", "table", "tbody", "td", "th", "thead",
    "tr", "ul",
}  # fmt: skip


class Elements(HTMLParser):
    """Collects what a browser would build."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in OURS:
            self.bad.append(tag)
        for name, value in attrs:
            target = re.sub(r"[\x00-\x20]", "", value or "").lower()
            scheme = re.match(r"[a-z][a-z0-9+.-]*(?=:)", target)
            if name.startswith("on") or (name == "src"):
                self.bad.append(f"{tag}.{name}")
            safe = scheme is None or scheme.group() in ("http", "https", "mailto")
            if name == "href" and not safe:
                self.bad.append(target)

    def handle_comment(self, data: str) -> None:
        self.bad.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.bad.append(decl)

    def handle_pi(self, data: str) -> None:
        self.bad.append(data)

    def unknown_decl(self, data: str) -> None:
        self.bad.append(data)


def live(text: str) -> list[str]:
    """Return what of a text, shown as Markdown by nbconvert, is not harmless."""
    return Elements(markdown2html_mistune(text)).bad


def test_the_probe_sees_what_is_live() -> None:
    assert live("<script>x</script> <img src=x onerror=y> [x](javascript:z)")


@settings(max_examples=400)
@given(TEXTS)
@example("    ```\n<script>x</script>\n    ```")
@example("  ```\nx\n```\n<script>x</script>\n```")
@example("- a\n  ```\n<script>x</script>\n  ```")
@example("# a $$ b\n\n$$\n\n```\n$$\n<script>x</script>\n```")
@example("$ `a$ ` `<script>x</script>`")
@example("| `a | <script>x</script> ` |\n|-|-|\n")
@example("```mermaid\n</pre><script>x</script>\n```")
@example("[x](\njavascript:alert(1))")
@example("[x]:\n  javascript:alert(1)\n\n[x]")
@example("- item\n$$\n\n$$\n\n```\n<script>x</script>\n```")
@example("1. a\n   $$\n\n$$\n\n```\n$$ <script>x</script>\n```")
def test_no_text_comes_alive(text: str) -> None:
    assert live(markdown(text)) == []


@settings(max_examples=200)
@given(st.lists(TEXTS, max_size=4))
def test_no_message_of_a_thread_comes_alive(texts: list[str]) -> None:
    roles = ("user", "assistant")
    said = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
    shown = transcript(Thread("<script>", tuple(said))).bundle()
    assert live(shown["text/markdown"]) == []


@settings(max_examples=200)
@given(TEXTS)
def test_no_cell_of_a_list_answer_comes_alive(text: str) -> None:
    page = list_page(replace(RESULT, data=[{"a": text, text or "b": 1}]))
    assert page is not None
    assert live(page.bundle()["text/markdown"]) == []


@settings(max_examples=200)
@given(TEXTS)
def test_a_line_of_ours_comes_alive_no_more_than_an_answer(text: str) -> None:
    assert live(f"> {inline(text)}") == []
    assert "\n" not in inline(text)


@pytest.mark.parametrize(
    "code",
    [
        "<script>x</script>",
        "if a<b: pass\n\n<div>`x`</div>",
        "echo $$ <x>",
        "a\n```\nb",
        "  indented\n    more",
    ],
)
@pytest.mark.parametrize("indent", ["", "  ", "   "])
def test_fenced_code_arrives_as_it_is(code: str, indent: str) -> None:
    fence = "`" * 5
    lines = [f"{fence}text", *code.split("\n"), fence]
    text = "1. Look:\n\n" + "\n".join(indent + line for line in lines) + "\nend"
    page = markdown2html_mistune(markdown(text))
    shown = re.search(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert shown is not None
    bare = re.sub(r"</?(code|span)[^>]*>", "", shown.group(1)).strip("\n")
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'")):
        bare = bare.replace(entity, sign)
    assert bare.replace("&amp;", "&") == code


@pytest.mark.parametrize(
    "text",
    [
        "Plain *text* with **marks**, a [link](https://example.org/a_b) and `code`.",
        "- one\n- two\n\n1. a\n2. b\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "Costs 5 & a < b, x <3 and 2 > 1.",
        "Euler: $e^{i\\pi} = -1$ and\n\n$$\n\\int x\\,dx\n$$\n\nholds.",
        "# Title\n\nSee <https://example.org/x?y=1>.",
        "Use `x <- 3`, ``a`b`` and `a | b`.",
    ],
)
def test_ordinary_markdown_is_left_alone(text: str) -> None:
    assert markdown(text) == text


MONEY = "<span>&#36;</span>"


@pytest.mark.parametrize(
    "text",
    ["costs $5 and $10", "$5-$10", "\\$5 and \\\\$6", "$HOME and $PATH", "5$", "$", "$$",
     "\\$$ x", "a $ b $ c", "`$x` and $5", "($3)($4)"],
)  # fmt: skip
def test_no_price_is_left_that_could_begin_a_formula(text: str) -> None:
    shown = markdown(text)
    assert "$" not in re.sub(r"`[^`]*`", "", shown)
    assert shown.count(MONEY) == re.sub(r"`[^`]*`", "", text).count("$")
    assert "\\<" not in shown.replace("\\\\", "")


@pytest.mark.parametrize(
    "formula", ["$x$", "$e^{i\\pi}$", "$a_1, b$", "$$x$$", "then\n\n$$\n5\n$$"]
)
def test_formulas_among_prices_stay(formula: str) -> None:
    shown = markdown(f"It costs $5, {formula}\n\nand $6.")
    assert shown == f"It costs {MONEY}5, {formula}\n\nand {MONEY}6."


def test_a_price_in_display_math_is_still_mathematics() -> None:
    assert markdown("$$\n\\$5 + x\n$$") == "$$\n\\$5 + x\n$$"


def test_a_link_with_a_dollar_sign_leads_where_it_did() -> None:
    page = markdown2html_mistune(markdown("[a $5](https://example.org/?q=$5&r=$6)"))
    assert 'href="https://example.org/?q=$5&amp;r=$6"' in page


def test_inline_code_with_markup_looks_as_written() -> None:
    page = markdown2html_mistune(markdown("Use `<div class='a_b'>` here."))
    assert "<code>&lt;div class=&#x27;a_b&#x27;&gt;</code>" in page.replace(
        "&#39;", "&#x27;"
    ).replace("'", "&#x27;")


def test_comparisons_in_formulas_stay_formulas() -> None:
    assert markdown("$a<b$ and\n\n$$\nx<y\n$$") == "$a< b$ and\n\n$$\nx< y\n$$"


def test_an_open_fence_is_closed() -> None:
    assert markdown("```python\nx = 1").strip() == "```python\nx = 1\n```"


def test_code_after_a_list_marker_is_still_code() -> None:
    shown = markdown("1. ```bash\n   ls <dir>\n   ```\n2. then")
    assert "ls <dir>" in shown
    assert "2. then" in shown.split("```")[-1]


def test_images_are_not_fetched() -> None:
    assert "<img" not in markdown2html_mistune(
        markdown("![x](https://example.org/x.png)")
    )


def test_terminals_get_no_escape_sequences() -> None:
    assert plain("a\x1b[31mb\x07\r\n\tc\x9b") == "a[31mb\n\tc"


def test_a_fence_is_longer_than_any_inside() -> None:
    assert code_block("a\n````\nb", "python") == "`````python\na\n````\nb\n`````"


@pytest.mark.parametrize(
    "part",
    ["\\`", "``` \n", "\\begin{a}", "-  ", "$$", "`" * 7 + " ", "](", "<a", "|`"],
)
def test_half_a_megabyte_takes_seconds_at_most(part: str) -> None:
    text = part * (500_000 // len(part))
    began = time.process_time()
    markdown(text)
    assert time.process_time() - began < 5.0
