"""What was heard of a sentence, and whether that may have been it."""

from __future__ import annotations

import pytest

from models.qwen3.misheard import misheard


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("Good morning.", "good morning", False),
        ("Good morning!", "Good mourning", False),
        ("大家好，欢迎收看。", "大家好 欢迎收看", False),
        ("好。", "号", False),
        ("好。", "今天我们不说这个了", True),
        ("Good morning, and welcome.", "", True),
        ("Good morning, and welcome.", "Good morning, and welcome. Good morning, and welcome.", True),
        ("ＡＢＣ is first.", "ABC is first", False),
        ("iPhone十六Pro", "iPhone 16 Pro", False),
        ("iPhone十六Pro", "iPhone sixteen pro.", False),
        ("iPhone 16 Pro", "iPhone十六Pro", False),
        ("二十六个十", "26个10", False),
        ("twenty-six and ninety", "26 and 90", False),
        ("十六点", "17点半了吧", True),
        ("often", "ofzzz", True),
        ("No, no, no, no, no, no, no, no!", "No no no.", False),
        ("哈哈哈哈哈哈哈哈哈哈", "", False),
        ("加油！" * 10, "加油，" * 30, False),
        ("Come on! " * 10, "", False),
        ("Come on! " * 10, "Something else entirely.", True),
    ],
)
def test_what_was_heard_is_compared_by_its_letters(said: str, heard: str, wrong: bool) -> None:
    assert bool(misheard(said, heard, 0.3)) is wrong


def test_how_much_may_be_misheard_is_set() -> None:
    assert misheard("red green blue black", "red green blue white", 0.0)
    assert not misheard("red green blue black", "red green blue white", 0.5)
    assert "25% wrong" in misheard("abcdefgh abcdefgh", "abcdefgh abcdXXXX", 0.1)
