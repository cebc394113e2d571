"""Telling the language of a script, and of each of its sentences."""

from __future__ import annotations

from models.words import audible, is_han, is_hangul, is_kana, tokens

_LATIN_HINTS = {
    "en": "the and of to is in that it you for with this are was on have not we they what from",
    "de": "der die und das ist nicht ein eine ich mit sie wir auf für den dem zu auch von sich war dann herr",
    "fr": "le les et est une des vous nous dans pour pas que qui avec sur ce du je il elle",
    "es": "el los las y es una que por con para no del se lo como más pero su está hola",
    "it": "il gli che è di una per non con sono della nel questo ma come anche ciao più lo ha",
    "pt": "o os e é uma que não com para do em por mais você como um olá isso são",
}
_HINTS = {language: frozenset(words.split()) for language, words in _LATIN_HINTS.items()}


def detect_language(text: str) -> str:
    """The language of a script, as one of pipeline.spec.Language but "auto"; "en" when nothing tells."""
    heard = audible(text)
    words = [heard[begin:end] for begin, end in tokens(text)]
    kana, hangul = sum(map(is_kana, heard)), sum(map(is_hangul, heard))
    han = sum(map(is_han, heard))
    latin = [w.lower() for w in words if w[0].isalpha() and not is_han(w[0]) and not is_kana(w[0])]
    if kana >= 0.1 * (kana + han) and kana + han > len(latin):
        return "ja"
    if hangul > 0 and hangul >= han and hangul >= len(latin):
        return "ko"
    if han > 0 and _outweighs(han, len(latin)):
        return "zh"
    if sum("\u0400" <= c <= "\u052f" for c in heard) > sum("a" <= c.lower() <= "z" for c in heard):
        return "ru"
    scores = {language: sum(word in hints for word in latin) for language, hints in _HINTS.items()}
    best = max(scores, key=lambda language: scores[language])
    return best if scores[best] > scores["en"] else "en"


def language_of(sentence: str, language: str) -> str:
    """Of one sentence, given the script's: the letters that it is written in decide."""
    heard = audible(sentence)
    words = [heard[begin:end].lower() for begin, end in tokens(heard)]
    han = sum(map(is_han, heard))
    if han and language not in ("ja", "ko"):
        if _outweighs(han, sum(word[0].isalpha() and not is_han(word[0]) for word in words)):
            return "zh"
        # Of a Chinese script a row of English names is not English yet.
        return "en" if language == "zh" and not _HINTS["en"].isdisjoint(words) else language
    has_latin = any(c.isalpha() and ord(c) < 0x0250 for c in heard)
    own = any(is_han(c) or is_kana(c) or is_hangul(c) for c in heard)
    if language in ("zh", "ja", "ko") and has_latin and not own:
        return "en"
    return language


def _outweighs(han: int, latin_words: int) -> bool:
    """Chinese with English terms, not English with a name."""
    return han >= 0.5 * latin_words
