"""`vigentd bench faults`: one fault after the other, in a real daemon, and what becomes of it."""
