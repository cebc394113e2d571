"""The configuration: what can be set, and what it is when nothing is said.

Every key can stand in `vigentd.toml` and in the environment (`queue.max_attempts` is
`VIGENTD_QUEUE__MAX_ATTEMPTS`); the environment wins. `config_file.load` finds, reads and checks it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from daemon.config_place import DATA_DIR, SOCKET_NAME
from daemon.folders import absolute
from daemon.publications.settings import PublishSettings
from models.errors import BadInput
from pipeline.spec import (
    NAME_OR_FILE,
    JobSpec,
    Language,
    Limits,
    LipsyncSettings,
    Names,
    Options,
    Settings,
    Size,
    SpeechSettings,
    Tone,
    VideoSettings,
    WhisperSettings,
)

ENV_PREFIX = "VIGENTD_"
ENV_DELIMITER = "__"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _named(path: object) -> object:
    if path == "":  # Path("") would quietly be the current folder
        raise ValueError("should be a folder")
    return path


def _given(path: object) -> object:
    return None if path == "" else path


def _whole(path: Path) -> Path:
    try:
        whole = absolute(path)
    except BadInput as e:
        raise ValueError("should be a path on this machine") from e
    if "\0" in str(whole):
        raise ValueError("should be a path on this machine")
    return whole


class QueueSettings(_Section):
    """lanes: so many jobs are worked on side by side, when there are replicas of the engine of the lips."""

    lanes: Annotated[int, Field(ge=1, le=16)] = 1
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 3  # a job whose worker died this often has failed
    overlap: bool = False  # with one lane: speak the next job's script while the lips of this one are made
    stop_grace: Annotated[float, Field(ge=0, le=3600)] = 20.0  # seconds that a job may still take at SIGTERM


class HealthSettings(_Section):
    """patience: so many times as long as usual (models/budgets.py) a process may be silent before it is taken
    for stuck; more on a very slow machine. replacements: of one process within 10 minutes; then it waits.
    port: of 127.0.0.1, for Prometheus; 0: none."""

    patience: Annotated[float, Field(gt=0, le=1000)] = 1.0
    replacements: Annotated[int, Field(ge=1, le=1_000_000)] = 5
    port: Annotated[int, Field(ge=0, le=65535)] = 0


def _of_a_cluster(given: str) -> str:
    if given and not re.fullmatch(r"auto|local|ray://[^\s/]+|(\[[\da-f:]+\]|[^\s:/\[]+):\d{1,5}", given):
        raise ValueError("should be HOST:PORT, such as head:6379, or ray://HOST:PORT, auto or local")
    return given


class ClusterSettings(_Section):
    """Replicas on other machines, through Ray. address: "head:6379", "auto", "local" or "ray://head:10001";
    "": none. weights: where the models lie on the nodes, if elsewhere than here. gpus: that a replica takes.
    """

    address: Annotated[str, AfterValidator(_of_a_cluster)] = ""
    weights: Path | None = None
    gpus: Annotated[float, Field(ge=0, le=16, allow_inf_nan=False)] = 1.0


class ModelsSettings(_Section):
    """folder: where weights lie; not said: models/ in the data folder.

    max_…: limits of a process that keeps an engine; above one after a job, it is replaced. 0: no limit.
    """

    folder: Path | None = None
    max_rss: Size = ByteSize(16_000_000_000)
    max_vram: Size = ByteSize(0)

    _given = field_validator("folder", mode="before")(_given)

    @field_validator("folder")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else _whole(path)


class DiskSettings(_Section):
    """What is kept how long in the data folder. 0: for ever, or without limit."""

    min_free: Size = ByteSize(2_000_000_000)  # with less, new jobs are refused
    work_days: Annotated[float, Field(ge=0)] = 7.0  # artifacts of finished jobs
    work_size: Size = ByteSize(50_000_000_000)
    results_days: Annotated[float, Field(ge=0)] = 0.0
    results_size: Size = ByteSize(0)


class LogSettings(_Section):
    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


def _default(field: str) -> object:
    return JobSpec.model_fields[field].default


class JobDefaults(_Section):
    """What a job gets when the person does not say; the same names and bounds as in JobSpec."""

    voice: str = str(_default("voice"))
    tone: Tone = str(_default("tone"))
    language: Language = "auto"
    subtitles: str = str(_default("subtitles"))
    title_style: str = str(_default("title_style"))
    music: Annotated[str, NAME_OR_FILE] = str(_default("music"))
    music_volume: Annotated[float, Field(ge=0, le=1)] = 0.25
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1247


def _folder(given: str) -> str:
    if not given.strip() or "\0" in given:
        raise ValueError("should be a folder")
    return str(_whole(Path(given))) if given.startswith("~") else given


def _short_name(given: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", given):
        raise ValueError("should be a short name of small letters, digits, - and _")
    return given


Folder = Annotated[str, AfterValidator(_folder)]


class InboxFolders(_Section):
    """Beside the sources, or anywhere when they are whole paths."""

    outbox: Folder = "outbox"
    done: Folder = "done"
    failed: Folder = "failed"
    duplicates: Folder = "duplicates"


class InboxSettings(_Section):
    """A watched folder. inbox_rules.py says how it and the others may lie."""

    name: Annotated[str, AfterValidator(_short_name)]
    path: Path
    presenter: Path | None = None  # the clip of a script that comes alone
    settle: Annotated[float, Field(ge=0.1, le=3600)] = (
        3.0  # seconds without a change: then a file is complete
    )
    wait_for_clip: Annotated[float, Field(ge=0, le=86400)] = 20.0  # with a presenter, so long a clip may come
    remind: Annotated[float, Field(ge=1)] = 3600.0  # seconds after which a note says what is waited for
    poll: bool | None = None  # look instead of listening; None: where listening does not work
    duplicates: Literal["set_aside", "make"] = "set_aside"
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    publish: Names = ()
    preset: Options = Options()  # options of its jobs that are not said otherwise
    folders: InboxFolders = InboxFolders()

    _named = field_validator("path", mode="before")(_named)

    _given = field_validator("presenter", mode="before")(_given)

    @field_validator("path", "presenter")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else _whole(path)

    @field_serializer("preset")
    def _as_said(self, preset: Options) -> dict[str, Any]:
        """What is not said must not become said: a job gets its own defaults there."""
        return preset.model_dump(mode="json", exclude_unset=True)


LIKE_A_TOKEN = re.compile(r"\d{6,20}:[\w-]{30,}", re.ASCII)
MASKED = "**********"  # how a secret is written when a configuration is handed on


def _token(given: SecretStr | None) -> SecretStr | None:
    said = given.get_secret_value() if given else ""
    if said and said != MASKED and not re.fullmatch(r"\d{1,20}:[\w-]{10,100}", said, re.ASCII):
        raise ValueError("should be a token as @BotFather gives it, such as 123456:ABC-DEF…")
    return given if said else None


def _ids(given: object) -> object:
    """ "7, 8" is a list too, and "[7, 8]" in the environment."""
    return (
        [part for part in given.strip(" []").split(",") if part.strip()] if isinstance(given, str) else given
    )


def _address(given: str) -> str:
    if not re.fullmatch(r"https?://\S+/bot", given):
        raise ValueError("should be an address that ends in /bot, such as http://localhost:8081/bot")
    return given


UserIds = Annotated[tuple[Annotated[int, Field(ge=1, lt=2**53)], ...], NoDecode, BeforeValidator(_ids)]
Address = Annotated[str, AfterValidator(_address)]
TELEGRAM = "https://api.telegram.org"


class TelegramSettings(_Section):
    """The bot. Without a token there is none."""

    token: Annotated[SecretStr | None, AfterValidator(_token)] = None
    token_file: Path | None = None  # a file with nothing else in it
    base_url: Address = f"{TELEGRAM}/bot"
    base_file_url: Address = f"{TELEGRAM}/file/bot"
    local_mode: bool = False  # the server at base_url is a local one: files up to 2 GB, by path
    allowed_user_ids: UserIds = ()
    admin_user_ids: UserIds = ()

    _given = field_validator("token_file", mode="before")(_given)

    @field_validator("token_file")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        if path is not None and LIKE_A_TOKEN.search(path.name):
            raise ValueError("should be a file, and this is a token: that belongs into telegram.token")
        return None if path is None else _whole(path)

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("should have token or token_file, but both are set")
        return self


class Config(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER
    )

    data_dir: Path = Path(DATA_DIR)
    assets: Path | None = None  # the user's own folder: fonts/ music/ styles/ beside the built-in ones
    queue: QueueSettings = QueueSettings()
    models: ModelsSettings = ModelsSettings()
    health: HealthSettings = HealthSettings()
    disk: DiskSettings = DiskSettings()
    log: LogSettings = LogSettings()
    defaults: JobDefaults = JobDefaults()
    speech: SpeechSettings = SpeechSettings()
    whisper: WhisperSettings = WhisperSettings()
    lipsync: LipsyncSettings = LipsyncSettings()
    video: VideoSettings = VideoSettings()
    limits: Limits = Limits()
    cluster: ClusterSettings = ClusterSettings()
    inbox: tuple[InboxSettings, ...] = ()
    telegram: TelegramSettings = TelegramSettings()
    publish: PublishSettings = PublishSettings()

    _named = field_validator("data_dir", mode="before")(_named)

    _given = field_validator("assets", mode="before")(_given)

    @field_validator("data_dir", "assets")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else absolute(path)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # What comes from the file is handed over as arguments; the environment stands above it.
        return env_settings, init_settings

    @property
    def settings(self) -> Settings:
        """The part that the pipeline knows: how a video looks and sounds."""
        speech = self.speech if self.cluster.address else self.speech.model_copy(update={"replicas": 0})
        return Settings(
            speech=speech,
            whisper=self.whisper,
            lipsync=self.lipsync,
            video=self.video,
            limits=self.limits,
            assets=self.assets,
            weights=self.weights,
            voices=self.voices,
        )

    # Where things lie in the data folder.

    @property
    def database(self) -> Path:
        return self.data_dir / "vigentd.db"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files of the daemon and its hosts; emptied whenever the daemon starts."""
        return self.data_dir / "tmp"

    @property
    def socket(self) -> Path:
        return self.data_dir / SOCKET_NAME

    @property
    def health_file(self) -> Path:
        """How the daemon is, for who cannot ask it."""
        return self.data_dir / "health.json"

    @property
    def telegram_files(self) -> Path:
        """What came through the bot, and what is made for it."""
        return self.data_dir / "telegram"

    @property
    def targets(self) -> Path:
        """A folder for each that keeps something: a login, say."""
        return self.data_dir / "targets"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.data_dir / "cache"

    @property
    def attention_measured(self) -> Path:
        """Which one the speech engine found to be the quicker one here."""
        return self.cache / "attention.json"

    @property
    def weights(self) -> Path:
        """Of the models."""
        return self.models.folder or self.data_dir / "models"

    @property
    def voices(self) -> Path:
        """Those that people saved."""
        return self.data_dir / "voices"

    @property
    def results(self) -> Path:
        return self.data_dir / "results"

    def job_dir(self, job_id: str) -> Path:
        return self.data_dir / "jobs" / job_id

    def job_log(self, job_id: str) -> Path:
        return self.job_dir(job_id) / "job.log"
