"""The other languages, where only what is right most often is asked for."""

from __future__ import annotations

import pytest

from models.reading import read
from tests.models.reading.tables import cases

TABLES = {
    "de": """
        Am 3. Mai, der 3. Mai → Am dritten Mai, der dritte Mai
        Im 21. Jahrhundert → Im einundzwanzigsten Jahrhundert
        01.05.2024, 1999 → erster Mai zweitausendvierundzwanzig, neunzehnhundertneunundneunzig
        um 12:30 Uhr, 10:00 → um zwölf Uhr dreißig, zehn Uhr
        5,50 €, 1 €, 1.200,99 € → fünf Euro fünfzig, ein Euro, eintausendzweihundert Euro neunundneunzig
        50 %, -5 °C, 5-10 km → fünfzig Prozent, minus fünf Grad Celsius, fünf bis zehn Kilometer
        Eis, Tee usw. → Eis, Tee und so weiter.
        3,14, 12 000, 3.14. → drei Komma eins vier, zwölftausend, drei Komma eins vier.
        z.B. www.a.de, a@b.de → zum Beispiel a Punkt de, a ät b Punkt de
    """,
    "fr": """
        1er mai, le 1 mai, 2e, 1ère → premier mai, le premier mai, deuxième, première
        14h30, 1h, 21:15 → quatorze heures trente, une heure, vingt-et-une heures quinze
        1 €, 1,50 €, 12 000 $ → un euro, un euro cinquante, douze mille dollars
        31/12/2024, 3,14 → trente-et-un décembre deux mille vingt-quatre, trois virgule quatorze
        50 %, R&D → cinquante pour cent, R et D
    """,
    "es": """
        1 €, 5,50 €, 21 % → un euro, cinco euros con cincuenta, veintiuno por ciento
        1º, 1ª, 1:15 → primero, primera, una y quince
        01/05/2024 → uno de mayo de dos mil veinticuatro
    """,
    "it": """
        1 km, 5 km, 3,14 → un chilometro, cinque chilometri, tre virgola quattordici
        10:30, 2º → dieci e trenta, secondo
    """,
    "pt": """
        R$ 10,50, 2ª vez → dez reais e cinquenta, segunda vez
        14h30, 22:15 → catorze e trinta, vinte e duas e quinze
    """,
    "ru": """
        в 2024 году, 5 мая → в две тысячи двадцать четвертом году, пятого мая
        21 %, 22 %, 25 % → двадцать один процент, двадцать два процента, двадцать пять процентов
        11 км, 1 км, 3,5 кг → одиннадцать километров, один километр, три запятая пять килограмма
        100 000 рублей, 2 ₽ → сто тысяч рублей, два рубля
        1 000 001 → один миллион один
    """,
    "ja": """
        2024年5月1日、3つ → 二千二十四年五月一日、三つ
        50%、$5、12:30、3.14 → 五十パーセント、五ドル、十二時三十分、三点一四
        1,200円 → 千二百円
    """,
    "ko": """
        3개, 20살, 15명 → 세 개, 스무 살, 열다섯 명
        2024년, 3:30, 50% → 이천이십사 년, 세 시 삼십 분, 오십 퍼센트
    """,
}


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [(language, *case) for language, table in TABLES.items() for case in cases(table)],
)
def test_elsewhere(language: str, written: str, said: str) -> None:
    assert read(written, language).text == said


def test_a_language_without_rules_is_read_as_it_is_written() -> None:
    assert read("Mam 5 kotów <b>i</b> 3 psy 😀.", "pl").text == "Mam 5 kotów i 3 psy ."
