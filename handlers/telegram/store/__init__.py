"""What the database knows of the chats; the only writer of the tables in daemon/chats.py.

ledger.py     turns: transactions in which everything that belongs together happens
messages.py   what the chats are to show          drafts.py   videos that are being put together
files.py      what people sent                    errands.py  what takes time and is to be done
people.py     who may do what                     jobs.py     jobs of chats
"""
