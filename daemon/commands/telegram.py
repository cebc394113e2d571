"""telegram pair · status · people · allow · deny: the bot, and who may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.app import App
from daemon.commands.common import AsJson, opened
from daemon.commands.terminal import console, counted, local_time, out, out_json, printable, tell
from models.errors import BadInput

if TYPE_CHECKING:
    from handlers.telegram.store.ledger import Turn

HOW = (
    "In Telegram, send /newbot to @BotFather; put the token that it gives into a file of its own, and the "
    "file's path into telegram.token_file in vigentd.toml."
)
NO_TOKEN = "There is no Telegram bot: no token is configured"
DOCTOR = "`vigentd doctor` says what to do about the token or the network."
UserId = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, max=2**53 - 1, help="The person's id, as the bot tells strangers."),
]


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="The Telegram bot, and who may use it.")
    for command in (pair, status, people, allow, deny):
        group.command()(command)
    app.add_typer(group, name="telegram")


def pair(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Print a code that makes whoever sends it to the bot an admin: once, within ten minutes."""
    import secrets

    from handlers.telegram import pairing

    with opened(ctx) as app:
        _need_token(app)
        code = pairing.new_code()
        with _turn(app) as turn:
            until = pairing.offer(turn, code, secrets.token_hex(16))
        bot, why = _bot(app)
    name = bot["name"] if bot else ""
    link = f"https://t.me/{name}?start={code}" if name else None
    if as_json:
        told = {"code": code, "until": until.isoformat(), "send": f"/start {code}"}
        out_json(told | {"bot": name or None, "link": link})
    else:
        out(code)
        at = local_time(until.isoformat())[-5:]
        tell(f"Until {at} ({pairing.VALID.seconds // 60} minutes), send this to {_called(name)}:")
        tell(f"  /start {code}")
        if link:
            tell(f"or open {link}")
    if why:
        tell(f"note: {why}.")


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show whether the bot is connected, and what it still has to do. Exit code 1 when it is not."""
    with opened(ctx) as app:
        there = _token(app)
        bot, why = _bot(app) if there else (None, NO_TOKEN)
        hint = HOW if not there else DOCTOR if bot and why else ""
    if as_json:
        out_json(bot)
    elif bot:
        _card(bot)
    if why and not as_json:
        tell(f"{why}.")
    if hint:
        tell(f"hint: {hint}")
    if bot is None or bot["state"] != "connected":
        raise typer.Exit(1)


def people(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List everybody who may use the bot, and those who asked for it."""
    with opened(ctx) as app, _turn(app, write=False) as turn:
        known = _people(app, turn)
    if as_json:
        out_json(known)
    elif not known:
        tell("Nobody yet. `vigentd telegram pair` makes the first admin.")
    else:
        _table(known)


def allow(ctx: typer.Context, user_id: UserId, as_json: AsJson = False) -> None:
    """Let somebody use the bot."""
    from handlers.telegram.access import admit

    with opened(ctx) as app:
        with _turn(app) as turn:
            admit(turn, app.config, user_id)
        _said(app, user_id, as_json)


def deny(ctx: typer.Context, user_id: UserId, as_json: AsJson = False) -> None:
    """Shut somebody out: they get no answer any more."""
    from handlers.telegram.access import may, shut_out, still_may

    with opened(ctx) as app:
        with _turn(app) as turn:
            shut_out(turn, app.config, user_id)
            configured = may(turn, app.config, user_id)
        if configured:
            raise still_may(user_id)
        _said(app, user_id, as_json)


# ---------------------------------------------------------------- what is known


def _turn(app: App, *, write: bool = True) -> Any:
    from handlers.telegram.store.ledger import Ledger

    ledger = Ledger(app.queue)
    return ledger.turn() if write else ledger.look()


def _token(app: App) -> bool:
    """Whether there is one. The daemon may have it as a credential, which nobody else can read."""
    from daemon.bot_token import bot_token

    try:
        return bot_token(app.config.telegram) is not None or _daemon_has_one(app)
    except BadInput:
        if _daemon_has_one(app):
            return True
        raise


def _daemon_has_one(app: App) -> bool:
    from daemon.control.client import Client, DaemonAway

    try:
        return Client(app.config.socket).get("/status").get("telegram") is not None
    except DaemonAway:
        return False


def _need_token(app: App) -> None:
    """Raises BadInput `no_bot`, and as `bot_token`."""
    if not _token(app):
        raise BadInput(NO_TOKEN, code="no_bot", hint=HOW)


def _bot(app: App) -> tuple[dict[str, Any] | None, str]:
    """What the daemon says of the bot, and why it does not hear anything now; "" when it does."""
    from daemon.control.client import Client, DaemonAway

    try:
        bot: dict[str, Any] | None = Client(app.config.socket).get("/status").get("telegram")
    except DaemonAway as e:
        return None, f"{e.message}: the bot hears nothing before one is started (`vigentd run`)"
    if bot is None and _token(app):
        return None, "The daemon was started without a token: `systemctl reload vigentd`, or start it again"
    if bot is None:
        return None, NO_TOKEN
    if bot["state"] == "connected":
        return bot, ""
    return bot, f"The bot is not connected ({bot['state']}{': ' if bot['why'] else ''}{bot['why']})"


def _people(app: App, turn: Turn) -> list[dict[str, Any]]:
    """Admins first. Those of the configuration are there before they have written."""
    from daemon.chats import Person, Standing
    from handlers.telegram.access import standing

    telegram = app.config.telegram
    configured = {*telegram.admin_user_ids, *telegram.allowed_user_ids}
    rows = {person.user_id: person for each in Standing for person in turn.people.of_standing(each)}
    rows |= {user_id: Person(user_id=user_id, name="") for user_id in configured - set(rows)}
    order = (Standing.ADMIN, Standing.ALLOWED, Standing.UNKNOWN, Standing.DENIED)
    found = [
        {
            "id": person.user_id,
            "name": person.name,
            "standing": str(standing(app.config, person)),
            "configured": person.user_id in configured,
        }
        for person in rows.values()
    ]
    return sorted(found, key=lambda person: (order.index(Standing(person["standing"])), person["id"]))


# ---------------------------------------------------------------- what is said


def _called(name: str) -> str:
    return f"@{name}" if name else "your bot"


def _card(bot: dict[str, Any]) -> None:
    last = bot["last_poll_s"]
    lines = {
        "bot": _called(bot["name"]),
        "state": bot["state"],
        "heard": "" if last is None else f"{last:.0f} s ago",
        "waiting": f"{counted(bot['waiting'], 'message')} to send, {counted(bot['errands'], 'errand')}",
        "unsure": f"{counted(bot['unsure'], 'message')} of which nobody knows whether it arrived"
        if bot["unsure"]
        else "",
    }
    for heading, text in lines.items():
        if text:
            out(printable(f"{heading + ':':<10} {text}"))


def _table(known: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("id", "standing", "name", ""):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    for person in known:
        by = "in the configuration" if person["configured"] else ""
        cells = (str(person["id"]), person["standing"], person["name"], by)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)


def _said(app: App, user_id: int, as_json: bool) -> None:
    """Who they are now; and the daemon learns that there is something to send."""
    from daemon.control.client import nudge

    nudge(app.config.socket)
    with _turn(app, write=False) as turn:
        (person,) = [person for person in _people(app, turn) if person["id"] == user_id]
    if as_json:
        out_json(person)
    else:
        name = f" ({person['name']})" if person["name"] not in ("", str(user_id)) else ""
        tell(f"{user_id}{name} is {person['standing']}.")
