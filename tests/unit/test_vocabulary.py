"""Words of texts written without blanks, and of several alternatives at once."""

import pytest

from costroute_nb.core.classification import RuleClassifier
from costroute_nb.core.vocabulary import WINDOW, Vocabulary, windows
from costroute_nb.tables import load_tables


def found(entries: list[str], text: str) -> list[str]:
    return Vocabulary([entries]).find(windows(text))[0]


@pytest.mark.parametrize(
    ("entry", "yes", "no"),
    [
        ("漏洞", "请检查有没有安全漏洞。", "漏 掉 了 洞察"),
        ("设计 ...6 系统", "设计一个推荐系统", "设计一个可以回溯的实时推荐系统"),
        ("脆弱性", "このコードの脆弱性", "脆い性質"),
        ("データ", "テ\u3099ータ基盤", "データ".replace("ー", "")),
        ("アーキテクチャ", "ｱではなくアーキテクチャを", "アーキ"),
        ("csv に 変換", "CSVに変換して", "CSVを変換して"),
        ("api 接口", "这个API接口", "这个APIs接口"),
        ("취약*", "취약점을 찾아줘", "약점"),
    ],
)
def test_characters_of_chinese_and_japanese_are_words(
    entry: str, yes: str, no: str
) -> None:
    assert found([entry], yes)
    assert not found([entry], no)


def test_characters_are_shown_without_blanks_between_them() -> None:
    assert found(["sql 注入 攻击"], "SQL注入攻击") == ["sql 注入攻击"]


def test_hidden_characters_do_not_count() -> None:
    entries = ["安全", "! 线程安全"]
    assert not found(entries, "这个队列是线程安全的吗")
    assert found(entries, "线程安全。但是接口安全吗")


def test_a_prompt_without_blanks_says_enough_without_its_values() -> None:
    parts = windows("请检查安全漏洞{{code}}", ["payment"])
    assert "payment" not in [word for part in parts for word in part]


@pytest.mark.parametrize("filler", ["文字列の処理", "系统日志内容", "データ"])
@pytest.mark.parametrize("floor", ["请检查登录系统的安全漏洞并修复", "脆弱性を調べて"])
def test_a_floor_at_either_end_of_long_text_without_blanks_is_seen(
    floor: str, filler: str
) -> None:
    rules = load_tables().rules
    classifier = RuleClassifier(rules.rules, rules.size)
    middle = filler * (16_000 // len(filler))
    for text in (floor + middle, middle + floor):
        found = classifier.classify(text)
        assert (found.tier, found.rule) == ("large", "security")


def test_a_cut_word_among_characters_is_still_not_read_as_a_shorter_one() -> None:
    half = WINDOW // 2
    head = "字" * (half - 4) + "author" + "字" * WINDOW
    tail = "字" * WINDOW + "reauth" + "字" * (half - 4)
    assert (head[half - 4 : half], tail[-half:][:4]) == ("auth", "auth")
    assert not found(["auth"], head)
    assert not found(["auth"], tail)


def test_alternatives_are_found_in_the_order_of_the_text() -> None:
    entry = "red|blu*|green ...1 car"
    assert found([entry], "blue green x y car red z car") == ["blu… car"]
    assert found([entry], "green a b car blues car") == ["green car"]
    assert not found([entry], "red a b car, car blue")


def test_marks_on_arabic_letters_split_no_word() -> None:
    assert windows("هل يمكن أن أحفظ") == [["هل", "يمكن", "ان", "احفظ"]]
