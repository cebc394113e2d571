"""Tables of the other languages: how they write numbers and what they call money, units and signs."""

from __future__ import annotations

from dataclasses import dataclass

# of one, of two to four (Russian only), of many; fewer when they are the same
Names = tuple[str, ...]


@dataclass(frozen=True)
class Tongue:
    """How a language is read.

    comma: it writes 1.299,50 and not 1,299.50. to: of a range. coins: between euros and cents, None when
    a price is said as a decimal. one: 1 before a thing that is counted, where that is another word.
    clock: with {hour} and {minute}; sharp: an hour without minutes; date: with {day}, {month}, {year}.
    """

    comma: bool
    minus: str
    to: str
    dot: str
    slash: str
    at: str
    clock: str
    sharp: str
    date: str
    money: dict[str, Names]
    units: dict[str, Names]
    signs: dict[str, str]
    coins: str | None = None
    one: str = ""
    months: tuple[str, ...] = ()


def _named(table: str) -> dict[str, Names]:
    """A thing is its sign, then its names with commas between them; things have | between them."""
    things = (thing.strip().split(" ", 1) for thing in table.replace("\n", " ").split("|"))
    return {sign: tuple(name.strip() for name in names.split(",")) for sign, names in things}


def _signs(table: str) -> dict[str, str]:
    return {sign: names[0] for sign, names in _named(table).items()}


def _months(names: str) -> tuple[str, ...]:
    return tuple(names.split())


TONGUES = {
    "de": Tongue(
        comma=True,
        minus="minus ",
        to=" bis ",
        dot=" Punkt ",
        slash=" Schrägstrich ",
        at=" ät ",
        clock="{hour} Uhr {minute}",
        sharp="{hour} Uhr",
        date="{day} {month} {year}",
        coins=" ",
        one="ein",
        months=_months("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        money=_named("€ Euro | $ Dollar | £ Pfund | ¥ Yuan | EUR Euro | USD US-Dollar"),
        units=_named(
            """
            % Prozent | km/h Kilometer pro Stunde | km Kilometer | m Meter | cm Zentimeter | mm Millimeter
            | kg Kilogramm | g Gramm | l Liter | m² Quadratmeter | °C Grad Celsius | ℃ Grad Celsius | ° Grad
            | GB Gigabyte | MB Megabyte | Mio. Million, Millionen | Mrd. Milliarde, Milliarden
            """
        ),
        signs=_signs("& und | + plus | = gleich | × mal | @ ät"),
    ),
    "fr": Tongue(
        comma=True,
        minus="moins ",
        to=" à ",
        dot=" point ",
        slash=" slash ",
        at=" arobase ",
        clock="{hour} heures {minute}",
        sharp="{hour} heures",
        date="{day} {month} {year}",
        coins=" ",
        months=_months(
            "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
        ),
        money=_named(
            "€ euro, euros | $ dollar, dollars | £ livre, livres | ¥ yuan, yuans | EUR euro, euros"
            " | USD dollar, dollars"
        ),
        units=_named(
            """
            % pour cent | km/h kilomètre heure, kilomètres heure | km kilomètre, kilomètres | m mètre, mètres
            | cm centimètre, centimètres | mm millimètre, millimètres | kg kilo, kilos | g gramme, grammes
            | l litre, litres | L litre, litres | m² mètre carré, mètres carrés
            | °C degré Celsius, degrés Celsius | ℃ degré Celsius, degrés Celsius | ° degré, degrés
            | Go gigaoctet, gigaoctets | Mo mégaoctet, mégaoctets
            """
        ),
        signs=_signs("& et | + plus | = égale | × fois | @ arobase"),
    ),
    "es": Tongue(
        comma=True,
        minus="menos ",
        to=" a ",
        dot=" punto ",
        slash=" barra ",
        at=" arroba ",
        clock="{hour} y {minute}",
        sharp="{hour} en punto",
        date="{day} de {month} de {year}",
        coins=" con ",
        one="un",
        months=_months(
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
        ),
        money=_named(
            "€ euro, euros | $ dólar, dólares | £ libra, libras | ¥ yuan, yuanes | EUR euro, euros"
            " | USD dólar, dólares"
        ),
        units=_named(
            """
            % por ciento | km/h kilómetro por hora, kilómetros por hora | km kilómetro, kilómetros
            | m metro, metros | cm centímetro, centímetros | mm milímetro, milímetros | kg kilo, kilos
            | g gramo, gramos | l litro, litros | L litro, litros | m² metro cuadrado, metros cuadrados
            | °C grado, grados | ℃ grado, grados | ° grado, grados | GB gigabyte, gigabytes
            """
        ),
        signs=_signs("& y | + más | = igual a | × por | @ arroba"),
    ),
    "it": Tongue(
        comma=True,
        minus="meno ",
        to=" a ",
        dot=" punto ",
        slash=" slash ",
        at=" chiocciola ",
        clock="{hour} e {minute}",
        sharp="{hour} in punto",
        date="{day} {month} {year}",
        coins=" e ",
        one="un",
        months=_months(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
        ),
        money=_named(
            "€ euro | $ dollaro, dollari | £ sterlina, sterline | ¥ yuan | EUR euro | USD dollaro, dollari"
        ),
        units=_named(
            """
            % per cento | km/h chilometro orario, chilometri orari | km chilometro, chilometri
            | m metro, metri | cm centimetro, centimetri | mm millimetro, millimetri | kg chilo, chili
            | g grammo, grammi | l litro, litri | L litro, litri | m² metro quadrato, metri quadrati
            | °C grado, gradi | ℃ grado, gradi | ° grado, gradi | GB gigabyte
            """
        ),
        signs=_signs("& e | + più | = uguale | × per | @ chiocciola"),
    ),
    "pt": Tongue(
        comma=True,
        minus="menos ",
        to=" a ",
        dot=" ponto ",
        slash=" barra ",
        at=" arroba ",
        clock="{hour} e {minute}",
        sharp="{hour} em ponto",
        date="{day} de {month} de {year}",
        coins=" e ",
        months=_months(
            "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
        ),
        money=_named(
            """
            R$ real, reais | US$ dólar, dólares | € euro, euros | $ dólar, dólares | £ libra, libras
            | ¥ yuan, yuans | EUR euro, euros | USD dólar, dólares
            """
        ),
        units=_named(
            """
            % por cento | km/h quilômetro por hora, quilômetros por hora | km quilômetro, quilômetros
            | m metro, metros | cm centímetro, centímetros | mm milímetro, milímetros | kg quilo, quilos
            | g grama, gramas | l litro, litros | L litro, litros | m² metro quadrado, metros quadrados
            | °C grau, graus | ℃ grau, graus | ° grau, graus | GB gigabyte, gigabytes
            """
        ),
        signs=_signs("& e | + mais | = igual a | × vezes | @ arroba"),
    ),
    "ru": Tongue(
        comma=True,
        minus="минус ",
        to=" – ",
        dot=" точка ",
        slash=" слэш ",
        at=" собака ",
        clock="{hour} {minute}",
        sharp="{hour} ноль-ноль",
        date="{day} {month} {year} года",
        coins=" ",
        months=_months("января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
        money=_named(
            """
            ₽ рубль, рубля, рублей | руб. рубль, рубля, рублей | $ доллар, доллара, долларов | € евро
            | £ фунт, фунта, фунтов | ¥ юань, юаня, юаней
            """
        ),
        units=_named(
            """
            % процент, процента, процентов | км/ч километр в час, километра в час, километров в час
            | км километр, километра, километров | м метр, метра, метров
            | см сантиметр, сантиметра, сантиметров | мм миллиметр, миллиметра, миллиметров
            | кг килограмм, килограмма, килограммов
            | г грамм, грамма, граммов | л литр, литра, литров | °C градус, градуса, градусов
            | ℃ градус, градуса, градусов | ° градус, градуса, градусов | ГБ гигабайт, гигабайта, гигабайт
            | млн миллион, миллиона, миллионов | млрд миллиард, миллиарда, миллиардов
            """
        ),
        signs=_signs("& и | + плюс | = равно | × на | @ собака"),
    ),
    "ja": Tongue(
        comma=False,
        minus="マイナス",
        to="から",
        dot="ドット",
        slash="スラッシュ",
        at="アットマーク",
        clock="{hour}時{minute}分",
        sharp="{hour}時",
        date="{year}年{month}月{day}日",
        money=_named("$ ドル | € ユーロ | £ ポンド | ¥ 円 | ￥ 円 | USD ドル"),
        units=_named(
            """
            % パーセント | km/h キロメートル毎時 | km キロメートル | m メートル | cm センチメートル
            | mm ミリメートル | kg キログラム | g グラム | L リットル | ml ミリリットル | m² 平方メートル
            | ㎡ 平方メートル | °C 度 | ℃ 度 | ° 度 | GB ギガバイト | MB メガバイト
            """
        ),
        signs=_signs("& アンド | + プラス | = イコール | × かける | @ アットマーク"),
    ),
    "ko": Tongue(
        comma=False,
        minus="마이너스 ",
        to="에서 ",
        dot=" 점 ",
        slash=" 슬래시 ",
        at=" 골뱅이 ",
        clock="{hour} 시 {minute} 분",
        sharp="{hour} 시",
        date="{year}년 {month}월 {day}일",
        money=_named("₩ 원 | $ 달러 | € 유로 | £ 파운드 | ¥ 위안 | USD 달러"),
        units=_named(
            """
            % 퍼센트 | km/h 킬로미터 퍼 아워 | km 킬로미터 | m 미터 | cm 센티미터 | mm 밀리미터 | kg 킬로그램
            | g 그램 | L 리터 | ml 밀리리터 | m² 제곱미터 | ㎡ 제곱미터 | °C 도 | ℃ 도 | ° 도 | GB 기가바이트
            | MB 메가바이트
            """
        ),
        signs=_signs("& 앤드 | + 더하기 | = 은 | × 곱하기 | @ 골뱅이"),
    ),
}
