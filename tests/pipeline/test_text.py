"""Splitting scripts into sentences and words, and telling their language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text import detect_language, split_sentences, tokens

# Sentences are shown with | between them.
ENGLISH = [
    "One sentence",
    "One. |Two. |Three.",
    "Really? |Yes! |Good.",
    "What?! |No way!! |Ok.",
    "Pi is 3.14 or so. |Next.",
    "It costs $1,299.99. |Buy it.",
    "See https://example.com/a.html?b=1. |Then go.",
    "Mail me at a.b@c.org. |Thanks.",
    "Use Node.js and vite.config.ts today. |Fine.",
    "Dr. Smith met Mrs. Jones. |They spoke.",
    "Prof. Lee and St. Mary agree.",
    "Fruit, e.g. Apples, are good. |Eat.",
    "That is, i.e. Monday, fine.",
    "The U.S. Army came. |Then it left.",
    "He lives in the U.S. |The weather is fine.",
    "We meet at 5 p.m. |Then we eat.",
    "We meet at 5 p.m. Eastern time.",
    "Acme Inc. Holdings grew. |It did.",
    "He joined Acme Inc. |The boss left.",
    "J. R. R. Tolkien wrote. |We read.",
    "So do I. |Then we agree.",
    "No. 5 is alive. |No. |It is not.",
    "See Fig. 3 and p. 12 now.",
    "Cats, dogs, etc. are pets. |Yes.",
    "Well... maybe so.",
    "Wait... |What?",
    "I... I do not know.",
    "Hmm… maybe. |Hmm… |Certainly.",
    '"Yes." |He left.',
    '"Really?" she asked. |He nodded.',
    "“Done.” |“Good!” |They left.",
    "(It was late.) |We went.",
    "He said 'go.' |Then he went.",
    "Version 2.0.1 is out. |Get v2.1!",
    "At 12.30 we ate. |Good.",
    "Yahoo! is a firm.",
    "1. First thing. |Do it.",
    "First; second; third.",
    "One line\n|Another line",
    "One paragraph\n\n|Another one",
    "This line was wrapped by an editor at some column and\ngoes on here. |End.",
    "This line was wrapped by an editor at about sixty columns before\nMonday came. |End.",
    "Before\n---\n|After",
    "# Title\n|Text",
    "Good! 🎉 |Bad.",
    "<b>Hi. |You</b> {\\an8}go.",
    '<a href="Mr. X. Y">Link</a> text.',
    "The end . |Next one.",
    "Jane, Ph.D. Harvard, wrote it. |Good.",
    "Jan. 5 and Sept. 3 are set. |Fine.",
    "Mt. Fuji is high. |Go.",
    "Smith et al. Found it. |Good.",
    "Ask for apt. 5 on 5th Ave. |Then wait.",
    "It rose 3.5%. |Then it fell 1,000.5 points. |End.",
    "Go to www.a.org/b.html! |Or a.org. |Bye.",
    "Is it v1.2? |Yes, v1.2.3. |Ok.",
    "He asked: 'Why?' |She left.",
    '"Stop!" he said. |"No."',
    "“Is it 5.5?” |“It is.”",
    "It ended (in 1999). |Then nothing.",
    "- First item\n|- second item\n|- third",
    "* one\n|* two",
    "• apples\n|• pears and\n|• plums",
    "1) one thing\n|2) another thing",
    "a) one thing\n|b) another thing",
    "1. One thing\n|2. Another thing",
    "Buy these: 1. Apples. |2. Pears. |3. Plums.",
    "A. Yes. |B. No.",
    "It was 5. |Then it was 6.",
    "Today\n|1. First. |Do it.",
]
CHINESE = [
    "大家好",
    "大家好。|今天很好。",
    "真的吗？|是的！|好。",
    "第一；|第二；|第三。",
    "我想……|算了。",
    "“你好。”|“再见。”|走了。",
    "他说：「好！」|她笑了。",
    "价格是3.14元。|很贵。",
    "价格是$1,299.99。|很贵。",
    "大家好，欢迎收看，今天的节目。",
    "第一行\n|第二行",
    "1.首先这样。|2.然后那样。",
    "真的？！|好。",
    "一、首先。|二、其次。",
    "（1）首先；|（2）其次。",
    "①首先\n|②其次",
    "1、首先\n|2、其次",
    "增长3.5%。|下降1.2个点。",
    "他问：“为什么？”|她走了。",
    "《书名》很好。|（注：很贵。）|完。",
    "第一章 开始\n|第二章 继续",
    "· 苹果\n|· 梨",
    "今天是2024.5.1。|好。",
]
MIXED = [
    "我们用GPU。|It works. |很好！",
    "Hello. |你好。|Bye.",
    "OK。|好的",
    "He said ok. |好的。",
    "访问 https://a.com/x.html。|好。",
    "版本v2.0发布了！|Get it now.",
    "Dr. 王说 U.S. 很大。|对。",
    "用Python 3.11写。|Run it. |完成。",
    "他说OK.|然后走了。",
    "1. 安装Node.js。|2. 运行npm。",
    "发邮件到a.b@c.org。|Thanks!",
    "GPT-4o发布了！|“Wow!” |真的。",
]
OTHER = [
    ("de", "Am 3. Mai war z.B. Herr Dr. Maier da. |Dann ging er."),
    ("de", "Es kostet 5,50 €. |Gut."),
    ("fr", "Bonjour, M. Petit ! |Ça va ? |Oui."),
    ("es", "¿Qué tal? |¡Bien! |El Sr. Gil vino."),
    ("ru", "Привет, мир! |Как дела? |И т.д. и т.п. и вот."),
    ("ja", "今日は。|元気ですか？|はい！"),
    ("ko", "안녕하세요. |반갑습니다!"),
]
CASES = (
    [("en", case) for case in ENGLISH]
    + [("zh", case) for case in CHINESE]
    + [("zh", case) for case in MIXED]
    + OTHER
)


@pytest.mark.parametrize(("language", "case"), CASES)
def test_split(language: str, case: str) -> None:
    script = case.replace("|", "")
    sentences = split_sentences(script, language)
    heard = [s.text for s in sentences]
    # What the pieces leave out is only decoration, so compare what is spoken.
    assert [words_of(text) for text in heard] == [words_of(part) for part in case.split("|")]
    for sentence in sentences:
        assert script[sentence.begin : sentence.begin + len(sentence.text)] == sentence.text


def words_of(text: str) -> list[str]:
    return [text[begin:end] for begin, end in tokens(text)]


def test_quotes_stay_with_their_sentence() -> None:
    assert [s.text for s in split_sentences("“Done.” (Yes!) 他说：「好。」走。", "en")] == [
        "“Done.”",
        "(Yes!)",
        "他说：「好。」",
        "走。",
    ]


def test_pauses_follow_punctuation_and_paragraphs() -> None:
    pauses = [s.pause_s for s in split_sentences("One. Two? Three…\nFour\n\nFive. 六；七。", "en")]
    stop, question, ellipsis, line_end, after_five, semicolon, last = pauses
    assert 0 < semicolon < stop == after_five < question < ellipsis <= line_end + 0.4
    assert line_end > ellipsis, "a paragraph is the longest pause"
    assert last == 0


def test_languages_of_sentences() -> None:
    languages = [s.language for s in split_sentences("大家好。Hello there. 我用GPU。", "zh")]
    assert languages == ["zh", "en", "zh"]
    assert [s.language for s in split_sentences("Hello. 你好。", "en")] == ["en", "zh"]
    assert [s.language for s in split_sentences("今日は。漢字。Hello.", "ja")] == ["ja", "ja", "en"]


@pytest.mark.parametrize(
    ("script", "language", "expected"),
    [
        ("I moved to 北京 in 2015 and paid $5 for 3 kg of apples.", "en", "en"),
        ("I moved to 北京 in 2015 and paid $5 for 3 kg of apples.", "zh", "en"),
        ("Ich wohne seit 2015 in 北京 und zahle 5 €.", "de", "de"),
        ("iPhone 16 Pro Max vs Samsung Galaxy S24 Ultra 对比", "zh", "zh"),
        ("我用GPU跑Qwen3。", "en", "zh"),
    ],
)
def test_a_chinese_word_makes_no_sentence_chinese(script: str, language: str, expected: str) -> None:
    assert [s.language for s in split_sentences(script, language)] == [expected]


@pytest.mark.parametrize(
    "script",
    [
        "#1 Tip",
        "~10元",
        "≥18岁",
        "≈30分钟",
        "№ 5",
        "~20% of users",
        "−5 degrees",
        "℃ is a unit",
        ".5 kg",
        "$.50",
    ],
)
def test_a_sign_that_is_said_stays_with_its_sentence(script: str) -> None:
    assert [s.text for s in split_sentences(f"First.\n😀 {script} 😀", "en")] == ["First.", script]


@pytest.mark.parametrize(
    ("script", "language"),
    [("word " * 200, "en"), ("many words, " * 60, "en"), ("今天天气很好我们去公园散步" * 20, "zh")],
)
def test_long_sentences_are_cut_between_words(script: str, language: str) -> None:
    sentences = split_sentences(script, language)
    assert len(sentences) > 3
    assert all(len(s.text) <= (200 if language == "en" else 80) for s in sentences)
    assert all(len(s.text) >= 20 for s in sentences), "halves, not crumbs"


def test_long_sentence_prefers_commas() -> None:
    script = "word " * 28 + "here, " + "word " * 30
    first, second = split_sentences(script, "en")
    assert first.text.endswith("here,") and first.pause_s > 0.1
    assert second.text.startswith("word")


NORTH = "He took the very long road to the north of the old town"
SOUTH = "she took the short one to the sea and back."
LONG_CASES = [
    ("en", f"{NORTH}, |and {SOUTH}"),
    ("en", f"{NORTH} — |and {SOUTH}"),
    ("en", f"{NORTH} and {SOUTH}"),
    ("en", f"So, {NORTH} and {SOUTH}"),
    ("en", f"He went north, and {SOUTH}"),
    ("zh", "今天我们来聊一聊人工智能在日常生活里的各种应用，|希望大家听完以后都能有一些新的收获。"),
    ("zh", "今天我们来聊一聊人工智能，希望大家都能有收获。"),
    ("zh", "今天要买的东西有苹果、梨子、香蕉、葡萄、西瓜、芒果、樱桃、草莓、荔枝、龙眼和别的水果。"),
]


@pytest.mark.parametrize(("language", "case"), LONG_CASES)
def test_what_a_voice_would_drift_in_is_cut_where_a_person_breathes(language: str, case: str) -> None:
    """Past some 100 letters or 40 characters at a comma near the middle, or not at all."""
    found = split_sentences(case.replace("|", ""), language)
    assert [s.text for s in found] == [part.strip() for part in case.split("|")]


@pytest.mark.parametrize(
    "amount", ["3 May", "May 3, 2026", "$3 million", "5 kg", "第 3 章", "3亿美元", "5月3日"]
)
def test_no_breath_is_taken_within_an_amount(amount: str) -> None:
    words = 60 * (["word "] if amount.isascii() else ["今天我们来聊聊"])
    for before in range(15, 45):
        script = "".join([*words[:before], f" {amount} ", *words[before:]])
        assert any(amount in sentence.text for sentence in split_sentences(script, "zh"))


def test_one_enormous_word_is_left_whole() -> None:
    assert [s.text for s in split_sentences("x" * 500, "en")] == ["x" * 500]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's $1,299.99!", ["It's", "$1,299.99"]),
        ("50% of €20, 5€, US$3", ["50%", "of", "€20", "5€", "US$3"]),
        ("state-of-the-art R&D, C++", ["state-of-the-art", "R&D", "C++"]),
        ("at 12:30 (or 9–17)", ["at", "12:30", "or", "9", "17"]),
        ("用GPU跑3个", ["用", "GPU", "跑", "3", "个"]),
        ("“你好”，世界", ["你", "好", "世", "界"]),
        ("go to https://a.b/c?d=e. Now", ["go", "to", "https://a.b/c?d=e", "Now"]),
        ("https://a.com，好", ["https://a.com", "好"]),
        ("a.b@c.org", ["a.b@c.org"]),
        ("カードきょう", ["カー", "ド", "きょ", "う"]),
        ("안녕 세계", ["안녕", "세계"]),
        ("e\u0301te\u0301 auto\u00admatic", ["e\u0301te\u0301", "auto\u00admatic"]),
        ("😀 👨‍👩‍👧 1️⃣ ok", ["1", "ok"]),
        ("<b>x</b> {\\an8}y {z} \\Nw", ["x", "y", "z", "w"]),
        ("--- * # a", ["a"]),
        ("yes,no a:b 1,000:2", ["yes", "no", "a", "b", "1,000:2"]),
        ("20°C, 3<5", ["20°C", "3", "5"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("end.Next U.S. e.g. Node.js", ["end", "Next", "U.S", "e.g", "Node.js"]),
    ],
)
def test_tokens(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, this is a test.", "en"),
        ("大家好，今天很好。", "zh"),
        ("用GPU跑Qwen3 model，效果very good", "zh"),
        ("We met 李雷 today in the city", "en"),
        ("今日は天気がいいですね", "ja"),
        ("안녕하세요 여러분", "ko"),
        ("Das ist nicht gut, und ich weiß es.", "de"),
        ("Bonjour, je suis là pour vous.", "fr"),
        ("Hola, esto es una prueba para los niños.", "es"),
        ("Ciao, questo è un test per gli amici.", "it"),
        ("Olá, você não tem uma ideia.", "pt"),
        ("Привет, мир", "ru"),
        ("🎉", "en"),
        ("42", "en"),
        ("", "en"),
    ],
)
def test_detect_language(text: str, language: str) -> None:
    assert detect_language(text) == language


# Pieces that make trouble, among anything else.
TROUBLE = st.sampled_from(
    [
        *"。！？；…，.!?;,:'\"“”「」()<>{}\\/&-—_$€%#* \n\r\t\u3000\u2028\ufe0f",
        *"你好世界かガー안A a1é\u0301\u200d\u00ad",
        *("<b>", "{\\an8}", "\\N", "---", "https://a.b/c.", "3.14", "$1,299.99", "Dr.", "U.S."),
        *("😀", "𠮷", "\ud800"),
    ]
)
SCRIPTS = st.one_of(st.text(max_size=300), st.lists(TROUBLE, max_size=60).map("".join))
LONG = st.lists(TROUBLE, min_size=150, max_size=400).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.one_of(SCRIPTS, LONG), st.sampled_from(["en", "zh", "de", "ja", "ko", "ru"]))
def test_sentences_hold_every_word_of_any_text(script: str, language: str) -> None:
    sentences = split_sentences(script, language)
    at = 0
    words: list[tuple[int, int]] = []
    for sentence in sentences:
        assert sentence.begin >= at
        at = sentence.begin + len(sentence.text)
        assert script[sentence.begin : at] == sentence.text
        assert sentence.text == sentence.text.strip() != ""
        assert sentence.pause_s >= 0
        own = [(sentence.begin + begin, sentence.begin + end) for begin, end in tokens(sentence.text)]
        assert own, "a sentence without words is not spoken"
        words += own
    assert words == tokens(script)
    assert sentences == [] or sentences[-1].pause_s == 0


@settings(max_examples=300, deadline=None)
@given(SCRIPTS)
def test_tokens_are_in_order_and_apart(text: str) -> None:
    at = 0
    for begin, end in tokens(text):
        assert at <= begin < end <= len(text)
        assert not any(c.isspace() for c in text[begin:end])
        at = end
