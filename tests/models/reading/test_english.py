"""What a person says for English."""

from __future__ import annotations

import pytest

from models.reading import read
from tests.models.reading.tables import cases

TABLE = """
    ## numbers
    I have 0 of 21 → I have zero of twenty-one
    1,000,000 and 1,234 → one million and one thousand two hundred thirty-four
    100 or 101 or 110 → one hundred or one hundred one or one hundred ten
    Pi is 3.14 → Pi is three point one four
    0.05, 10.50, .5 → zero point zero five, ten point five zero, point five
    It is -5 now → It is minus five now
    He scored 5. → He scored five.
    007 is back → zero zero seven is back
    1234567890123456 → one two three four five six seven eight nine zero one two three four five six
    the 1st, 22nd and 101st → the first, twenty-second and one hundred first
    1/2, 2/3, 3/4 and 1/10 → one half, two thirds, three quarters and one tenth
    9/10, 4/5 stars, 4.5/5 → nine out of ten, four out of five stars, four point five out of five
    1 1/2 cups, 2½ cups, ¾ → one and a half cups, two and a half cups, three quarters
    10/10, 25/40, 16/9 → ten out of ten, twenty-five out of forty, sixteen over nine
    24/7, 9/11, 50/50 → twenty-four seven, nine eleven, fifty-fifty
    5-10, 5–10 or 1,000-2,000 people → five to ten, five to ten or one thousand to two thousand people
    a ratio of 16:9 or 3:1 → a ratio of sixteen to nine or three to one
    3:2:1, 10-3=7 → three to two to one, ten minus three equals seven
    10 - 3 - 2 = 5 → ten minus three minus two equals five
    They won 3-0. → They won three to zero.
    a 10-year-old → a ten-year-old
    5 million, 1.5 billion → five million, one point five billion
    10k users, 600M parameters → ten thousand users, six hundred million parameters
    50+ countries, ~5 min → fifty plus countries, about five minutes
    2.5B views, a 7B model → two point five billion views, a seven B model
    10^6, 5², 2³ → ten to the power of six, five squared, two cubed
    we're #1 → we're number one
    １２３ and １２:３０ → one hundred twenty-three and twelve thirty
    1e-5, 2.5e-3 → one times ten to the minus five, two point five times ten to the minus three
    a rate of 3e-4. → a rate of three times ten to the minus four.
    1e6, 1.5E+10 → one times ten to the six, one point five times ten to the ten
    -1e-5, x=1e-5 → minus one times ten to the minus five, x equals one times ten to the minus five
    Room 3E8, 5e, 0xE5 → Room three E eight, five e, zero xE five
    3x faster, 2X as fast, 10x the speed → three times faster, two times as fast, ten times the speed
    it is up 3x, grew 1.5x. → it is up three times, grew one point five times.
    2-3x faster, 3x-5x better → two to three times faster, three to five times better
    a 3x zoom, iPhone 4x, a 10x engineer → a three x zoom, iPhone four x, a ten x engineer
    a 3x4 board, 2x + 1 = 5, 3xl → a three by four board, two x plus one equals five, three xl
    H2O, 4x4 → H two O, four by four
    ## money
    $1,299.99 → one thousand two hundred ninety-nine dollars and ninety-nine cents
    $1, $5 and $0.99 → one dollar, five dollars and ninety-nine cents
    $1.01 or $20.00 → one dollar and one cent or twenty dollars
    $1.5 → one point five dollars
    €20, £1, 5€, 5 € → twenty euros, one pound, five euros, five euros
    US$3 billion, $5M, $10k → three billion US dollars, five million dollars, ten thousand dollars
    $1.5 million → one point five million dollars
    $20-30, $20–$30 → twenty to thirty dollars, twenty to thirty dollars
    £3m-£5m, $3-5m, €2bn → three to five million pounds, three to five million dollars, two billion euros
    $3m-5m, £3 million–£5 million → three to five million dollars, three to five million pounds
    £500k-£1m → five hundred thousand to one million pounds
    €2bn-€3bn a year → two to three billion euros a year
    $3m to $5m → three million dollars to five million dollars
    £3m-€5m, $3m-a-year → three million pounds to five million euros, three million dollars-a-year
    $.50, -$5, -$0.50, 60¢ → fifty cents, minus five dollars, minus fifty cents, sixty cents
    A $5 gift card, $5 a month → A five dollar gift card, five dollars a month
    a $5 million deal, $5 each → a five million dollar deal, five dollars each
    20 USD, 100 EUR → twenty US dollars, one hundred euros
    ¥10,000 a month, $5/month → ten thousand yuan a month, five dollars per month
    ## shares and units
    50%, 3.5 %, 10-20% → fifty percent, three point five percent, ten to twenty percent
    120 km/h, 5 km, 1 km → one hundred twenty kilometers per hour, five kilometers, one kilometer
    -5°C, 20 °C, 20℃ → minus five degrees Celsius, twenty degrees Celsius, twenty degrees Celsius
    98.6°F → ninety-eight point six degrees Fahrenheit
    a 90° turn → a ninety degree turn
    a 5 kg bag, 5 kg of it → a five kilogram bag, five kilograms of it
    100m dash, 100 m in 10 s flat → one hundred meter dash, one hundred meters in ten seconds flat
    a 65W charger, a 5000mAh battery → a sixty-five watt charger, a five thousand milliamp hour battery
    He ran 5 km yesterday, using 5 GB only → He ran five kilometers yesterday, using five gigabytes only
    .5 kg, 1½ tsp, ½ tsp → point five kilograms, one and a half teaspoons, one half teaspoon
    3.5 GB, 2 h, 30s → three point five gigabytes, two hours, thirty seconds
    24fps, 44.1 kHz → twenty-four frames per second, forty-four point one kilohertz
    5-10 kg, 100 m², 3 oz. of it → five to ten kilograms, one hundred square meters, three ounces of it
    5kg-10kg, 5 m - 9 m → five kilograms to ten kilograms, five meters to nine meters
    2℃-8℃ → two degrees Celsius to eight degrees Celsius
    5%-10%, 3m-5m wide → five percent to ten percent, three meters to five meters wide
    He is 5'10" tall → He is five foot ten tall
    It weighs 5 kg. → It weighs five kilograms.
    ## dates and times
    May 5 and Jan. 3rd → May fifth and January third
    May 5, 2024 was → May fifth, twenty twenty-four was
    May 5–7 → May fifth to seventh
    1 May 2024 → the first of May twenty twenty-four
    the 1st of May → the first of May
    May 2024 → May twenty twenty-four
    2024-05-01 → May first, twenty twenty-four
    5/1/2024, 31/12/2024 → May first, twenty twenty-four, December thirty-first, twenty twenty-four
    in 1984, in 2005, in 1905 → in nineteen eighty-four, in two thousand five, in nineteen oh five
    in 1066, in 1024 bytes → in ten sixty-six, in one thousand twenty-four bytes
    on 11.03.2020 → on eleven, oh three, twenty twenty
    2024 was good → twenty twenty-four was good
    the 2024 election → the twenty twenty-four election
    1500 people and 1920 pixels → one thousand five hundred people and one thousand nine hundred twenty pixels
    1990–1995, 2020-24 → nineteen ninety to nineteen ninety-five, twenty twenty to twenty-four
    the 1990s, the '90s, in his 20s → the nineteen nineties, the nineties, in his twenties
    2000s, 2010s, 1900s → two thousands, twenty tens, nineteen hundreds
    mid-2024 → mid twenty twenty-four
    at 12:30 or 9:05 am → at twelve thirty or nine oh five a.m.
    10:00, 10:00 pm, 17:00 → ten o'clock, ten p.m., seventeen hundred
    at 5pm and 5 p.m. → at five p.m. and five p.m.
    9am-5pm, 9 a.m.–5 p.m. → nine a.m. to five p.m., nine a.m. to five p.m.
    12:30:45 → twelve thirty and forty-five seconds
    Mon.–Fri. only → Monday to Friday only
    March 5,000 people → March five thousand people
    ## codes and names
    GPT-4, Qwen2.5, H100, MP3 → GPT four, Qwen two point five, H one hundred, MP three
    3D, 4K, 5G, B2B → three D, four K, five G, B to B
    an RTX 4090, ISO 9001 → an RTX forty ninety, ISO nine thousand one
    iPhone 15 Pro, Windows 11 → iPhone fifteen Pro, Windows eleven
    COVID-19 and F-16 → COVID nineteen and F sixteen
    v2.0.1 is out → version two point zero point one is out
    version 3.11 → version three point one one
    192.168.0.1 → one hundred ninety-two dot one hundred sixty-eight dot zero dot one
    1920x1080, 1080p, 720p → nineteen twenty by ten eighty, ten eighty p, seven twenty p
    Room 101, Boeing 747 → Room one oh one, Boeing seven forty-seven
    H.264 and x86-64 → H dot two sixty-four and x eighty-six sixty-four
    Call 555-1234 → Call five five five, one two three four
    Call (555) 123-4567 → Call five five five, one two three, four five six seven
    Call 911 now, dial 112. → Call nine one one now, dial one one two.
    Call +1 555 123 4567 → Call plus one, five five five, one two three, four five six seven
    World War II, Chapter I → World War two, Chapter one
    Henry VIII, Elizabeth II → Henry the eighth, Elizabeth the second
    Part I liked, William I know → Part I liked, William I know
    ## addresses
    Visit https://example.com/a?b=1 now → Visit example dot com slash a now
    See https://www.github.com/a-b/c/. → See github dot com slash a b slash c.
    (http://a.org) → (a dot org)
    Mail me@foo.org now → Mail me at foo dot org now
    example.com, Node.js → example dot com, Node dot js
    vite.config.ts → vite dot config dot ts
    follow @some_one → follow at some one
    end.Next U.S. e.g. this → end.Next U.S. for example this
    ## abbreviations
    Dr. Smith met Mrs. Jones → Doctor Smith met Missus Jones
    Prof. Lee and St. Mary → Professor Lee and Saint Mary
    on Main St. today → on Main Street today
    No. 5, Fig. 3, p. 12 → Number five, Figure three, page twelve
    pp. 12-15 → pages twelve to fifteen
    No. It is not. → No. It is not.
    cats, dogs, etc. → cats, dogs, et cetera.
    It was the 3rd of June. → It was the third of June.
    Open Mon-Fri. → Open Monday to Friday.
    It is on 42nd St. → It is on forty-second Street.
    (cats, etc.) → (cats, et cetera.)
    cats, etc. are pets → cats, et cetera are pets
    i.e. this vs. that → that is this versus that
    Acme Inc. and Jr. → Acme Incorporated and Junior.
    Mr. & Mrs. Smith → Mister and Missus Smith
    ## signs
    R&D, AT&T, Q & A → R and D, AT and T, Q and A
    C++, C# and C++17 → C plus plus, C sharp and C plus plus seventeen
    1+1=2 → one plus one equals two
    3 × 4 = 12, x < 5 → three times four equals twelve, x less than five
    ±5, ≥18, ≈3 → plus or minus five, at least eighteen, about three
    and/or, he/she, TCP/IP → and or, he or she, TCP IP
    snake_case and [this] → snake case and this
    don't, state-of-the-art → don't, state-of-the-art
    {\\an8}Hi <b>5</b> 😀 → Hi five
"""


@pytest.mark.parametrize(("written", "said"), cases(TABLE))
def test_english(written: str, said: str) -> None:
    assert read(written, "en").text == said
