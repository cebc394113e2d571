"""The bot: people send a script and a clip, and get a video.

The database says what is so; everything else looks there, and is nudged when there is something new. The
reading path:

    bot.py         from the daemon's start to its end; life.py: with one token and one configuration
    poll.py        what Telegram has for us, each update once; arrivals.py: without what does not matter here
    dispatch.py    who may (access.py, pairing.py), and who answers; talk.py is what a handler gets
    drafting/      the conversation that puts a video together, and its card
    commands/      /jobs and the others; pressing/: the buttons under jobs
    errands/       what takes time: files, looks at the door, previews, results; door/ is what runs there
    report/        what the chats are told of their jobs
    courier/       makes the chats look as the database says: paced, once, or asked about
    store/         the database: turns in which everything that belongs together happens
    texts/         every word that people see, in English and Chinese
"""
