"""What is looked at, drawn, cut or encoded for the chats: functions that run in a process of their own.

examine.py   are these things a job?            script.py   the text of a file that somebody sent
preview.py   how a video will look              listen.py   ten seconds of a track, or of a voice
result.py    a result, ready to be sent         fit.py      a copy of it that Telegram takes
choices.py   what there is to choose from       theirs.py   whose voice it is
head.py      the options of a script            face.py     is there a face in the clip?
drawn.py     letters that no font has           voice.py    a voice message as a voice to keep
old_voices.py   voices that earlier versions kept

Each is f(_, asked, progress) with JSON in and out, asked for by `module:function` (models/host.py). Clips
come from anybody, and a decoder that they break must not be the daemon's. What they raise is in the words of
the person: "your clip", or the name that they gave it, and never a path of ours (wording.py).
"""
