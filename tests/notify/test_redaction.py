"""No secret leaves: not in a notice, not in a log line, not in a repr, not half of one."""

import logging
from dataclasses import fields, replace
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.notify.happenings import NOON, changed, commanded, fault
from tests.test_events import KINDS, sample_events
from tradai_lifecycle.config import LifecycleConfig, parse_config
from tradai_lifecycle.events import Event
from tradai_lifecycle.notify.board import Board
from tradai_lifecycle.notify.notice import Notice, Priority, plain_text
from tradai_lifecycle.notify.redaction import RedactingFilter, Redactor, configured_secrets

TOKEN = "1234567890:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts"
MAIL = "mailtos://anna:hunter2pass@mail.example.org?to=ops@example.org"
HOOK = "https://discord.example.org/api/webhooks/123456789012345678/abcDEF123456abcDEF"
HOST = {
    "exchange": {"name": "binance", "key": "exchangekey99", "secret": "exchangesecret99", "password": "pw1234"},
    "telegram": {"enabled": True, "token": TOKEN, "chat_id": "42", "keyboard": [["/daily", "/profit"]]},
    "api_server": {"username": "anna", "password": "apipassword", "jwt_secret_key": "jwtjwt", "ws_token": ["wsws1"]},
    "discord": {"webhook_url": HOOK},
    "db_url": "postgresql+psycopg://bot:dbpassword@db.example.org/trades",
    "stake_currency": "USDT",
    "pair_whitelist": ["BTC/USDT"],
}


@pytest.fixture
def config() -> LifecycleConfig:
    section = {
        "model_name": "btc",
        "registry_uri": "http://mlflow:registrypass@mlflow.example.org:5000",
        "telegram": {"token": TOKEN.replace("AA", "ZZ"), "chat_id": "42"},
        "notices": {"apprise_urls": [SLACK, MAIL]},
    }
    return parse_config({"tradai_lifecycle": section})


@pytest.fixture
def redact(config: LifecycleConfig) -> Redactor:
    return Redactor(configured_secrets(config, HOST))


SECRETS = (
    "exchangekey99",
    "exchangesecret99",
    "pw1234",
    TOKEN,
    TOKEN.replace("AA", "ZZ"),
    "apipassword",
    "jwtjwt",
    "wsws1",
    "abcDEF123456abcDEF",
    "dbpassword",
    "registrypass",
    "T1JJ3T3L2",
    "A1BRTD4JD",
    "TIiajkdnlazkcOXrIdevi7FQ",
    "hunter2pass",
    SLACK,
)


@pytest.mark.parametrize("secret", SECRETS)
def test_every_configured_secret_is_hidden_wherever_it_stands(redact: Redactor, secret: str) -> None:
    for text in (secret, f"failed: {secret}", f"a{secret}b", f"'{secret}'", f"({secret}, x)\n{secret}"):
        assert secret not in redact(text)


def test_the_whole_configuration_printed_shows_none(redact: Redactor, config: LifecycleConfig) -> None:
    printed = redact(f"{HOST} {config!r} {config.model_dump()}")
    assert [secret for secret in SECRETS if secret in printed] == []


@pytest.mark.parametrize(
    "text",
    [
        "BTC/USDT paused: significant drift of the features",
        "the server mail.example.org and mlflow.example.org:5000 do not answer",
        "anna resumed; stake 100 USDT; binance; /daily; v16",
        "http://127.0.0.1:5000/api/2.0/mlflow/runs/0123456789abcdef0123456789abcdef",
        "sqlite:///user_data/mlflow2.db",
        "accuracy 0.567 of 1234567890 rows",
    ],
)
def test_what_is_no_secret_stays(redact: Redactor, text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("http://anna:s3cret@host:5000/x", "http://***@host:5000/x"),
        ("postgresql+psycopg://u:p%40ss@db/x timed out", "postgresql+psycopg://***@db/x timed out"),
        (f"https://api.telegram.org/bot{TOKEN}/sendMessage", "https://api.telegram.org/***/sendMessage"),
        ("POST https://hooks.slack.com/services/T0/B0/abc failed", "POST https://hooks.slack.com/*** failed"),
        ("https://discord.com/api/webhooks/1/abc", "https://discord.com/api/webhooks/***"),
        ("GET /x?access_token=abc&y=1", "GET /x?access_token=***&y=1"),
        ("api_key: 'abc', next", "api_key: '***', next"),
        ('{"password": "abc"}', '{"password": "***"}'),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
    ],
)
def test_what_looks_like_a_secret_is_hidden_though_nobody_configured_it(text: str, hidden: str) -> None:
    assert Redactor()(text) == hidden


def test_an_encoded_secret_is_hidden_too() -> None:
    redact = Redactor(["p@ss word"])
    for form in ("p@ss word", "p%40ss%20word", "p%40ss+word"):
        assert redact(f"https://host/?q={form}") == "https://host/?q=***"


@given(secret=st.text("abcXYZ019-_+/=@:% ", min_size=4, max_size=40), before=st.text(), after=st.text())
@settings(max_examples=300, deadline=None)
def test_no_surroundings_uncover_a_secret(secret: str, before: str, after: str) -> None:
    hidden = Redactor([secret])(f"{before}{secret}{after}")
    # what is left may hold it only where the surroundings spelled it out by themselves, over the seam
    assert secret not in hidden or secret in f"{before}***{after}" or "***" in secret


def test_a_word_too_short_to_be_told_from_others_is_no_secret() -> None:
    assert Redactor(["abc", ""])("an abc of things") == "an abc of things"


def test_a_redactor_does_not_show_what_it_knows(redact: Redactor) -> None:
    assert [secret for secret in SECRETS if secret in repr(redact)] == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_secret_in_any_text_of_any_event_reaches_no_notice(kind: type[Event], redact: Redactor) -> None:
    for sample in sample_events(kind):
        event = redact.event(_with_secret(sample))
        for notice in Board(LifecycleConfig(model_name="x").notices).take([event], NOON):
            assert TOKEN not in plain_text(notice)
            assert TOKEN[:20] not in plain_text(notice)


def _with_secret(event: Event) -> Event:
    texts = [spec.name for spec in fields(event) if type(getattr(event, spec.name)) is str]
    return replace(event, **dict.fromkeys(texts, f"{'x' * 270} {TOKEN} said no"))


def test_a_secret_that_would_be_cut_in_half_is_hidden_before_the_cut(redact: Redactor) -> None:
    event = redact.event(fault("store", "x" * 285 + TOKEN))
    (notice,) = Board(LifecycleConfig(model_name="x").notices).take([event], NOON)
    assert TOKEN[:10] not in plain_text(notice)


def test_redaction_keeps_events_equal_that_were_equal(redact: Redactor) -> None:
    assert redact.event(commanded(note=TOKEN)) == redact.event(commanded(note=TOKEN))
    assert redact.event(changed()).pair == "BTC/USDT"


def test_every_part_of_a_notice_is_redacted(redact: Redactor) -> None:
    bare = Notice(at=NOON, priority=Priority.NOW, key="k", what=TOKEN, pairs=(TOKEN,), because=TOKEN, details=(TOKEN,))
    assert TOKEN not in plain_text(redact.notice(bare))


def test_log_records_are_redacted_with_arguments_and_tracebacks(redact: Redactor) -> None:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(redact))
    log = logging.getLogger("tests.notify.redaction")
    log.addHandler(handler)
    try:
        int(f"GET {TOKEN}")
    except ValueError:
        log.exception("failed with %s and %d", TOKEN, 3)
    finally:
        log.removeHandler(handler)
    assert TOKEN not in stream.getvalue()
    assert "failed with *** and 3" in stream.getvalue()
    assert "invalid literal for int() with base 10: 'GET ***'" in stream.getvalue()


def test_secret_fields_are_found_in_any_nesting() -> None:
    class Odd(LifecycleConfig):
        more: dict[str, list[SecretStr]] = {}  # noqa: RUF012

    assert "deepsecret" in configured_secrets(Odd(model_name="x", more={"a": [SecretStr("deepsecret")]}))
