"""Makes the chats look as the database wants them to.

courier.py   the loop: which message goes now        lanes.py     what waits, in order
delivery.py  one message: mark, call, write down     pacing.py    how fast is allowed
sending.py   the right call for a content            outcome.py   what an error means
books.py     what is written down                    question.py  "did it arrive?"
"""
