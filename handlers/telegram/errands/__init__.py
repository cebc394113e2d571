"""What takes time and is to be done: each errand a small file, begun and ended by runner.py.

fetch.py     a file that somebody sent        examine.py   is the draft a job?
preview.py   how it will look                 sample.py    how a look looks
listen.py    ten seconds of music or a voice  keep.py      a voice message becomes a voice
deliver.py   a result, to its chat            fit.py       a copy of it that Telegram takes
files.py     what belongs to a result         calendar.py  the week, drawn
tidy.py      what nobody needs any more

An errand reads what it is about when it is begun, works without a transaction, and ends in one: what came of
it, and that it is done. Ended by a SIGKILL before that, it is simply begun again; so what it writes to disk
is written whole, and its messages have keys that are the same each time.
"""
