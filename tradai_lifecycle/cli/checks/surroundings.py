"""What the checks look at: configuration, strategy, registry, model and databases, each fetched once."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tradai_lifecycle.cli.checks.finding import Finding, refused, warn
from tradai_lifecycle.cli.options import Bot, load_trading_bot
from tradai_lifecycle.errors import LifecycleError, UntrustedTypeError
from tradai_lifecycle.model.artefact import DigestMismatchError, IncompleteArtefactError, read_artefact
from tradai_lifecycle.model.bundle import ModelBundle
from tradai_lifecycle.model.source import FetchedArtefact, ModelSource, VersionRecord
from tradai_lifecycle.notify.redaction import Redactor, configured_secrets
from tradai_lifecycle.quiet import quiet
from tradai_lifecycle.store.ledger import Ledger
from tradai_lifecycle.store.records import BatchRecord, BotRecord
from tradai_lifecycle.store.schema import SCHEMA_VERSION, OlderSchemaError

if TYPE_CHECKING:
    from tradai_lifecycle.strategy.lifecycle import Lifecycle

_Part = TypeVar("_Part")

_STRATEGY_FIX = "mend the strategy; its bases are class NAME(ModelLifecycleMixin, IStrategy), in this order"


class PartMissingError(LifecycleError):
    """A part that a check needs cannot be had. The check named `owner` tells why; the others only point to it."""

    def __init__(self, owner: str, cause: Exception, fix: str = "") -> None:
        told = str(cause) if isinstance(cause, LifecycleError) else f"{type(cause).__name__}: {cause}"
        super().__init__(told)
        self.owner, self.fix = owner, fix

    def finding(self, check: str) -> Finding:
        """What `check` says when it needed this part."""
        if check == self.owner:
            return refused(str(self), self.fix).named(check)
        return warn("not looked at", f"mend {self.owner!r} first").named(check)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotMemory:
    """What the ledger says of the bot. `schema` is 0 without a file or with an empty one; an older one is not read."""

    path: Path
    schema: int = 0
    batch: BatchRecord | None = None
    bot: BotRecord | None = None


class Surroundings:
    """The parts of one bot. A part is fetched when it is first asked for; what failed once fails again at once.

    Raises PartMissingError from every part. Use it as a context manager.
    """

    def __init__(
        self,
        config_files: Sequence[Path],
        userdir: Path | None = None,
        *,
        strategy: str = "",
        db_url: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.db_url = db_url
        self.clock = clock
        self._config_files, self._userdir, self._strategy_name = list(config_files), userdir, strategy
        self._parts: dict[str, Any] = {}
        self._cleanups = ExitStack()

    @property
    def bot(self) -> Bot:
        """The bot as freqtrade reads its configuration."""
        options = {"strategy": self._strategy_name} if self._strategy_name else {}
        return self._part("configuration", lambda: load_trading_bot(self._config_files, self._userdir, **options))

    @property
    def config(self) -> Mapping[str, Any]:
        """freqtrade's configuration."""
        return self.bot.freqtrade_config

    @property
    def strategy(self) -> Any:
        """The strategy, loaded by freqtrade, without a model."""
        return self._part("strategy", lambda: _loaded_strategy(self.bot.freqtrade_config), fix=_STRATEGY_FIX)

    @property
    def lifecycle(self) -> "Lifecycle":
        """The lifecycle of that strategy."""
        found: Lifecycle = self.strategy.lifecycle
        return found

    @property
    def source(self) -> ModelSource:
        """The model registry."""
        return self._part("registry", lambda: self._cleanups.enter_context(self.bot.source()))

    @property
    def versions(self) -> tuple[VersionRecord, ...]:
        """What the registry holds, newest first."""
        source = self.source
        return self._part("registry", source.versions, "versions")

    @property
    def production(self) -> str | None:
        """The version in production."""
        source = self.source
        return self._part("registry", source.production_version, "production")

    @property
    def artefact(self) -> FetchedArtefact:
        """The files of the version in production, not yet checked."""
        return self._part("model files", self._fetched)

    @property
    def bundle(self) -> ModelBundle:
        """The model in production, loaded after digest and types were checked."""
        return self._part("model fits strategy", self._loaded)

    @property
    def memory(self) -> BotMemory:
        """What the ledger says of the bot; `path` need not exist."""
        return self._part("lifecycle database", self._remembered)

    @property
    def redact(self) -> Redactor:
        """Takes the secrets of the configuration out of a text; what cannot be read has none that are known."""
        known = self._parts.get("configuration")
        return Redactor(configured_secrets(known.freqtrade_config, known.lifecycle) if isinstance(known, Bot) else ())

    def without_secrets(self, finding: Finding) -> Finding:
        """The finding with every secret replaced: an error may quote one."""
        redact = self.redact
        return replace(finding, detail=redact(finding.detail), fix=redact(finding.fix))

    def __enter__(self) -> "Surroundings":
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanups.close()

    # `owner` is the check that tells of a failure, and the part's name where it has none of its own
    def _part(self, owner: str, fetch: Callable[[], _Part], name: str = "", fix: str = "") -> _Part:
        key = name or owner
        if key not in self._parts:
            try:
                with quiet():
                    self._parts[key] = fetch()
            except PartMissingError as missing:
                self._parts[key] = missing
            except Exception as error:  # noqa: BLE001 - freqtrade, a strategy or a registry raises what it likes
                self._parts[key] = PartMissingError(owner, error, fix)
        if isinstance(self._parts[key], PartMissingError):
            raise self._parts[key]
        found: _Part = self._parts[key]
        return found

    def _fetched(self) -> FetchedArtefact:
        if self.production is None:
            raise PartMissingError("production version", ValueError("there is none"))
        directory = self._cleanups.enter_context(tempfile.TemporaryDirectory(prefix="tradai-"))
        return self.source.fetch(self.production, Path(directory) / "artefact")

    def _loaded(self) -> ModelBundle:
        files, settings = self.artefact, self.bot.lifecycle
        try:
            return read_artefact(
                files.directory,
                name=settings.model_name,
                version=files.version,
                run_id=files.run_id,
                expected_digest=files.expected_digest,
                trusted_types=settings.trusted_types,
            )
        except (DigestMismatchError, IncompleteArtefactError) as error:
            raise PartMissingError("model files", error) from error
        except UntrustedTypeError as error:
            raise PartMissingError("model types", error) from error

    def _remembered(self) -> BotMemory:
        path = self.bot.lifecycle.path_in(self.bot.user_data_dir, self.bot.lifecycle.store_path)
        if not path.is_file() or not path.stat().st_size:
            # opened, an empty file would be given its tables: to make or change it is for the bot
            return BotMemory(path=path)
        with closing(Ledger(path)) as ledger:
            try:
                ledger.open(migrate=False)
            except OlderSchemaError as error:
                return BotMemory(path=path, schema=error.found)
            return BotMemory(path=path, schema=SCHEMA_VERSION, batch=ledger.last_batch(), bot=ledger.bot())


def _loaded_strategy(config: dict[str, Any]) -> Any:
    from tradai_lifecycle.strategy.dataset import load_strategy  # noqa: PLC0415 - heavy

    return load_strategy(config)


__all__ = ["BotMemory", "PartMissingError", "Surroundings"]
