"""Watched folders: files that are dropped there become jobs, and the videos come back beside them.

The reading path:

    inbox.py       one folder, from the first look to the last word (inboxes.py: all of them)
    look/          what lies there, and whether it still changes
    bundles/       which files belong together, and why the rest has to stay
    taker.py       takes up what is complete; claim/ is the way into .work/ID and back
    course.py      what was taken up goes as far as it can come; ledger.py is what the database knows
    reception.py   which jobs that is; contents/ is what the files say, read at the door
    results/       the way out: outbox, done, failed, duplicates, and notes
    waiting.py     what stays in the inbox, and the notes about that (glance.py: without a daemon)
"""
