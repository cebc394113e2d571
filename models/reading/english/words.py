"""Tables of English: months, money, units, abbreviations, signs, as they are said."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

DAYS = {"Mon": "Monday", "Tue": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Fri": "Friday"}
DAYS |= {"Sat": "Saturday", "Sun": "Sunday"}

# sign or code → singular, plural, of a hundredth ("" when nobody counts them)
MONEY: dict[str, tuple[str, str, str]] = {
    "$": ("dollar", "dollars", "cent"),
    "US$": ("US dollar", "US dollars", "cent"),
    "HK$": ("Hong Kong dollar", "Hong Kong dollars", ""),
    "NT$": ("Taiwan dollar", "Taiwan dollars", ""),
    "C$": ("Canadian dollar", "Canadian dollars", "cent"),
    "A$": ("Australian dollar", "Australian dollars", "cent"),
    "S$": ("Singapore dollar", "Singapore dollars", "cent"),
    "€": ("euro", "euros", "cent"),
    "£": ("pound", "pounds", "p"),
    "¥": ("yuan", "yuan", ""),
    "￥": ("yuan", "yuan", ""),
    "₹": ("rupee", "rupees", ""),
    "₩": ("won", "won", ""),
    "₽": ("ruble", "rubles", ""),
    "USD": ("US dollar", "US dollars", "cent"),
    "EUR": ("euro", "euros", "cent"),
    "GBP": ("British pound", "British pounds", ""),
    "CNY": ("yuan", "yuan", ""),
    "RMB": ("yuan", "yuan", ""),
    "JPY": ("yen", "yen", ""),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars", ""),
    "CHF": ("Swiss franc", "Swiss francs", ""),
}
SHORT = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "mn": "million"}
SHORT |= {"b": "billion", "B": "billion", "bn": "billion", "T": "trillion", "tn": "trillion"}

UNITS: dict[str, tuple[str, str]] = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("meter per second", "meters per second"),
    "km²": ("square kilometer", "square kilometers"),
    "m²": ("square meter", "square meters"),
    "㎡": ("square meter", "square meters"),
    "cm²": ("square centimeter", "square centimeters"),
    "m³": ("cubic meter", "cubic meters"),
    "cm³": ("cubic centimeter", "cubic centimeters"),
    "km": ("kilometer", "kilometers"),
    "㎞": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "㎝": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "㎜": ("millimeter", "millimeters"),
    "nm": ("nanometer", "nanometers"),
    "μm": ("micrometer", "micrometers"),
    "µm": ("micrometer", "micrometers"),
    "m": ("meter", "meters"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "kg": ("kilogram", "kilograms"),
    "㎏": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "㎎": ("milligram", "milligrams"),
    "g": ("gram", "grams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "tbsp": ("tablespoon", "tablespoons"),
    "tsp": ("teaspoon", "teaspoons"),
    "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"),
    "L": ("liter", "liters"),
    "ms": ("millisecond", "milliseconds"),
    "μs": ("microsecond", "microseconds"),
    "ns": ("nanosecond", "nanoseconds"),
    "s": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"),
    "GW": ("gigawatt", "gigawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "mAh": ("milliamp hour", "milliamp hours"),
    "V": ("volt", "volts"),
    "dB": ("decibel", "decibels"),
    "KB": ("kilobyte", "kilobytes"),
    "kB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "GiB": ("gibibyte", "gibibytes"),
    "MiB": ("mebibyte", "mebibytes"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "GB/s": ("gigabyte per second", "gigabytes per second"),
    "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "px": ("pixel", "pixels"),
    "kcal": ("kilocalorie", "kilocalories"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "℉": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "¢": ("cent", "cents"),
    "%": ("percent", "percent"),
    "‰": ("per thousand", "per thousand"),
}

# Before a name, with a full stop.
TITLES = {
    "Dr": "Doctor",
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Miz",
    "Prof": "Professor",
    "St": "Saint",
    "Mt": "Mount",
    "Gen": "General",
    "Col": "Colonel",
    "Maj": "Major",
    "Capt": "Captain",
    "Lt": "Lieutenant",
    "Sgt": "Sergeant",
    "Cmdr": "Commander",
    "Adm": "Admiral",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "Pres": "President",
    "Rev": "Reverend",
    "Hon": "Honorable",
}
# Before a number.
BEFORE_NUMBER = {
    "No": "Number",
    "no": "number",
    "Nos": "Numbers",
    "Fig": "Figure",
    "Figs": "Figures",
    "fig": "figure",
    "Vol": "Volume",
    "vol": "volume",
    "Ch": "Chapter",
    "Sec": "Section",
    "Eq": "Equation",
    "Art": "Article",
    "p": "page",
    "pp": "pages",
    "approx": "approximately",
    "ca": "about",
    "Apt": "Apartment",
    "Rm": "Room",
    "ver": "version",
}
# Anywhere; the full stop belongs to the word and, at the end, to the sentence.
ANYWHERE = {
    "etc.": "et cetera",
    "e.g.": "for example",
    "i.e.": "that is",
    "vs.": "versus",
    "vs": "versus",
    "approx.": "approximately",
    "Inc.": "Incorporated",
    "Ltd.": "Limited",
    "Corp.": "Corporation",
    "Co.": "Company",
    "Jr.": "Junior",
    "Sr.": "Senior",
    "Ave.": "Avenue",
    "Blvd.": "Boulevard",
    "Rd.": "Road",
    "dept.": "department",
    "Dept.": "Department",
    "et al.": "and others",
    "a.k.a.": "also known as",
    "WWI": "World War One",
    "WWII": "World War Two",
    "w/o": "without",
    "w/": "with",
}
# What follows an amount that is no noun: 5 kg of, $5 each, 5 km away.
AFTER_AMOUNT = _set(
    "about above across after again ago ahead all along already also although and any apart are around "
    "away back because been before behind below between both but came can cash cheaper closer colder "
    "come cooler cost costs could deep did does down during each early east either even ever every "
    "everybody everyone everything extra farther faster few first flat for free from further goes had "
    "has have heavier her here high higher his hotter how instead into its just last late later left "
    "less lighter long longer lost lower made makes may might more most must near nearly next north not "
    "now off old once one online only onto onward onwards other our out over past people per please plus "
    "rather remain remained round short shorter should since slower smaller some sooner south still "
    "straight such tall taller than that the their them then there these they thick this though through "
    "today together tomorrow tonight too total toward towards under underwater until upward wait warmer "
    "was weekly went were west what when where whether which while who wide wider will with within "
    "without worth would year yesterday yet you your"
)
# What an amount is compared with, or how: 3x faster, 2x the speed.
COMPARED = _set(
    "as the more less fewer greater faster slower quicker bigger larger smaller cheaper better worse higher "
    "lower longer shorter stronger heavier lighter brighter thinner wider deeper safer"
)
SIGNS = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "<": "less than",
    ">": "greater than",
    "≥": "at least",
    "≤": "at most",
    "≠": "is not",
    "≈": "about",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "№": "number",
    "~": "about",
    "°": "degrees",
    "℃": "degrees Celsius",
    "℉": "degrees Fahrenheit",
    "%": "percent",
    "‰": "per thousand",
}
# Monarchs and popes: of others "II" is no ordinal (Type II, World War II).
RULERS = [
    "Henry",
    "Elizabeth",
    "Louis",
    "Charles",
    "George",
    "William",
    "Edward",
    "James",
    "Richard",
    "Philip",
    "Napoleon",
    "Catherine",
    "Peter",
    "Nicholas",
    "Alexander",
    "Frederick",
    "Mary",
    "Francis",
    "Paul",
    "Benedict",
    "Pius",
    "Leo",
    "Gregory",
    "Ferdinand",
    "Wilhelm",
    "Ramses",
    "Felipe",
    "Juan",
    "Carlos",
]
