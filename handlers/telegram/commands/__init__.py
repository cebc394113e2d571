"""What can be asked for with a slash. Each theme is a small file, with the buttons of its answers."""

from __future__ import annotations

from handlers.telegram.commands import (
    greeting,
    jobs,
    line,
    lists,
    machine,
    new,
    people,
    plan,
    presenters,
    publish,
    settings,
    stop,
)
from handlers.telegram.commands.command import Command

__all__ = ["COMMANDS", "Command", "jobs", "lists", "people", "plan", "presenters", "settings"]

COMMANDS: dict[str, Command] = {
    "start": Command(greeting.start),
    "help": Command(greeting.help_),
    "new": Command(new.new),
    "jobs": Command(jobs.jobs),
    "queue": Command(line.queue),
    "cancel": Command(stop.cancel),
    "retry": Command(stop.retry),
    "presenters": Command(presenters.presenters),
    "voices": Command(lists.voices),
    "styles": Command(lists.styles),
    "music": Command(lists.music),
    "settings": Command(settings.settings),
    "publish": Command(publish.publish),
    "schedule": Command(publish.schedule),
    "health": Command(machine.health, admin_only=True, private=True),
    "log": Command(machine.log, admin_only=True, private=True),
    "allow": Command(people.allow, admin_only=True),
    "deny": Command(people.deny, admin_only=True),
}
