"""`tradai new-strategy, new-config`: working files to start from."""

import re
from collections.abc import Mapping
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from tradai_lifecycle.cli.options import UserData
from tradai_lifecycle.errors import ConfigurationError

Force = Annotated[bool, typer.Option("--force", help="write over files that exist")]

DEFAULT_USER_DATA = Path("user_data")
#: Stands above the line of the live configuration that decides whether the lifecycle acts.
MODE_MARK = '// change "observe" to "act" on the next line once tradai status has been right for some weeks'


class FileExistsAlreadyError(ConfigurationError):
    """A file that would have been written is there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists; nothing was written. Next: choose another name, or add --force.")


class NotAClassNameError(ConfigurationError):
    """A strategy's name that Python does not take for a class."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no name for a class. Next: letters, digits and underscores, such as MyModel.")


def new_strategy(
    name: Annotated[str, typer.Argument(help="name of the class and of the file, such as MyModel")],
    userdir: UserData = None,
    force: Force = False,
) -> None:
    """Write a strategy that can be trained and traded as it stands: features, target and signals to change."""
    file = (userdir or DEFAULT_USER_DATA) / "strategies" / f"{_class_name(name)}.py"
    _write({file: _filled("strategy.txt", name=name)}, force=force)
    typer.echo(f"next: change {file}, then tradai new-config --strategy {name}, and tradai train --strategy {name}")


def new_config(
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="strategy class the bot runs")],
    userdir: UserData = None,
    model_name: Annotated[str, typer.Option(help="model in the registry; default: from the strategy's name")] = "",
    force: Force = False,
) -> None:
    """Write config.json for dry runs and backtests, and config.live.json, whose lifecycle only observes."""
    directory = userdir or DEFAULT_USER_DATA
    values = {
        "strategy": _class_name(strategy),
        "model": model_name or _snake_case(strategy),
        "registry": f"sqlite:///{(directory / 'mlflow.db').as_posix()}",
        "mark": MODE_MARK,
    }
    dry, live = directory / "config.json", directory / "config.live.json"
    text = _filled("config.live.txt", **values)
    _write({dry: _filled("config.txt", **values), live: text}, force=force)
    line = next(number for number, written in enumerate(text.splitlines(), start=1) if '"mode"' in written)
    typer.echo(f'{live}:{line} is "mode": "observe": entries are judged and shown, not changed, until you change it')
    typer.echo(f"next: exchange and pairs in both files, freqtrade download-data -c {dry}, tradai doctor -c {dry}")


def _write(texts: Mapping[Path, str], *, force: bool) -> None:
    for path in texts:
        if path.exists() and not force:
            raise FileExistsAlreadyError(path)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")


def _filled(template: str, **values: str) -> str:
    text = files("tradai_lifecycle.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _class_name(name: str) -> str:
    if not name.isidentifier() or iskeyword(name):
        raise NotAClassNameError(name)
    return name


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


__all__ = ["MODE_MARK", "FileExistsAlreadyError", "NotAClassNameError", "new_config", "new_strategy"]
