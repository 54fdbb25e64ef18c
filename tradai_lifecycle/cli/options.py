"""What the commands share: their options, and the bot's configuration behind them."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tradai_lifecycle.cli.running import opened_ledger
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.errors import ConfigurationError, StoreUnavailableError
from tradai_lifecycle.model.registry import open_source
from tradai_lifecycle.model.source import ModelSource
from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.store.ledger import Ledger

ConfigFiles = Annotated[
    list[Path], typer.Option("--config", "-c", help="freqtrade configuration; may be given more than once")
]
UserData = Annotated[Path | None, typer.Option("--userdir", help="the bot's user_data directory")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
Note = Annotated[str, typer.Option("--note", help="why, for the record")]

DEFAULT_CONFIG = [Path("user_data/config.json")]


class FreqtradeRefusedError(ConfigurationError):
    """freqtrade itself refuses the configuration."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"freqtrade refuses the configuration: {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One bot as its configuration describes it."""

    freqtrade_config: dict[str, Any]
    lifecycle: LifecycleConfig

    @property
    def user_data_dir(self) -> Path:
        """The bot's user_data directory."""
        return Path(self.freqtrade_config["user_data_dir"])

    @contextmanager
    def ledger(self, *, create: bool = False) -> Iterator[Ledger]:
        """The bot's ledger, opened; raises StoreUnavailableError, and OlderBotRunningError as `opened_ledger` does.

        An absent file is made only where asked: a running bot whose file was lost must stay blocked, for it may have
        held a pause.
        """
        path = self.lifecycle.path_in(self.user_data_dir, self.lifecycle.store_path)
        if not create and not path.is_file():
            raise StoreUnavailableError(str(path), "it does not exist. Next: start the bot once, or put the file back")
        with opened_ledger(path) as ledger:
            yield ledger

    @contextmanager
    def source(self) -> Iterator[ModelSource]:
        """The bot's model registry."""
        source = open_source(self.lifecycle, self.user_data_dir)
        try:
            yield source
        finally:
            source.close()


def load_bot(config_files: list[Path], userdir: Path | None) -> Bot:
    """The bot of these configuration files, read by freqtrade but not validated: a pause must not wait for that.

    Raises FreqtradeRefusedError for a file that cannot be read, ConfigurationError for a section of ours.
    """
    with quiet():
        from freqtrade.configuration.environment_vars import environment_vars_to_dict  # noqa: PLC0415 - heavy
        from freqtrade.configuration.load_config import load_from_files  # noqa: PLC0415 - heavy
        from freqtrade.exceptions import FreqtradeException  # noqa: PLC0415 - heavy
        from freqtrade.misc import deep_merge_dicts  # noqa: PLC0415 - heavy

        try:
            config: dict[str, Any] = load_from_files([str(path) for path in config_files])
        except FreqtradeException as error:
            raise FreqtradeRefusedError(str(error)) from error
        config = deep_merge_dicts(environment_vars_to_dict(), config)
    directory = userdir or config.get("user_data_dir") or Path.cwd() / "user_data"
    return Bot(freqtrade_config={**config, "user_data_dir": Path(directory)}, lifecycle=parse_config(config))


def load_trading_bot(config_files: list[Path], userdir: Path | None, **arguments: Any) -> Bot:
    """The bot of these configuration files, through all of freqtrade's loading; `arguments` are freqtrade's options.

    Raises FreqtradeRefusedError for what freqtrade refuses, ConfigurationError for a section of ours.
    """
    with quiet():
        from freqtrade.configuration import Configuration  # noqa: PLC0415 - freqtrade takes seconds to import
        from freqtrade.enums import RunMode  # noqa: PLC0415
        from freqtrade.exceptions import FreqtradeException  # noqa: PLC0415

        options = {"config": [str(path) for path in config_files], **arguments}
        if userdir is not None:
            options["user_data_dir"] = str(userdir)
        try:
            config: dict[str, Any] = Configuration(options, RunMode.OTHER).get_config()
        except FreqtradeException as error:
            raise FreqtradeRefusedError(str(error)) from error
    return Bot(freqtrade_config=config, lifecycle=parse_config(config))


def operator_name() -> str:
    """Who typed the command, for the record."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run under a user id without a name
        return "shell"


__all__ = [
    "DEFAULT_CONFIG",
    "AsJson",
    "Bot",
    "ConfigFiles",
    "FreqtradeRefusedError",
    "Note",
    "UserData",
    "load_bot",
    "load_trading_bot",
    "operator_name",
]
