"""apprise: a hundred services, one blocking library, kept away from the loop, the shutdown and the log."""

import asyncio
import logging
import subprocess
import sys
import threading
import time

import pytest

from tests.model.hostile_servers import refusing_address
from tests.notify.happenings import NOON
from tests.notify.inbox import HttpInbox
from tests.notify.test_channels import notice
from tradai_lifecycle.notify.apprise_channel import AppriseMissingError, AppriseUrlError, apprise_channels
from tradai_lifecycle.notify.channels import ChannelFailedError
from tradai_lifecycle.notify.notice import Notice, Priority, Tone
from tradai_lifecycle.notify.redaction import Redactor


def channel(inbox: HttpInbox, *, deadline_seconds: float = 5.0):
    url = f"json://{inbox.address}/hook?rto=20"
    return apprise_channels([url], sender="btc", redact=Redactor(), deadline_seconds=deadline_seconds)[0]


@pytest.mark.parametrize(
    ("priority", "tone", "kind"),
    [
        (Priority.NOW, Tone.TROUBLE, "failure"),
        (Priority.TODAY, Tone.TROUBLE, "warning"),
        (Priority.TODAY, Tone.GOOD, "success"),
        (Priority.DIGEST, Tone.NEUTRAL, "info"),
        (Priority.DIGEST, Tone.TROUBLE, "info"),
    ],
)
async def test_urgency_becomes_apprises_kind_and_the_sender_begins_the_title(
    inbox: HttpInbox, priority: Priority, tone: Tone, kind: str
) -> None:
    said = Notice(at=NOON, priority=priority, key="k", what="paused", details=("line",), tone=tone)
    await channel(inbox).send(said)
    (posted,) = inbox.posted
    assert (posted["type"], posted["title"], posted["message"]) == (kind, "btc: paused", "line")


async def test_a_notice_without_lines_has_a_body(inbox: HttpInbox) -> None:
    await channel(inbox).send(notice("paused"))
    assert (inbox.posted[0]["title"], inbox.posted[0]["message"]) == ("btc", "paused")


async def test_the_error_says_what_apprise_says(inbox: HttpInbox) -> None:
    inbox.status = 403
    with pytest.raises(ChannelFailedError, match="403"):
        await channel(inbox).send(notice())


async def test_an_address_where_nobody_listens_is_an_error() -> None:
    url = refusing_address().replace("http://", "json://")
    (dead,) = apprise_channels([url], sender="btc", redact=Redactor())
    with pytest.raises(ChannelFailedError, match="onnection"):
        await dead.send(notice())


async def test_a_service_that_hangs_is_given_up_and_no_second_call_is_started(inbox: HttpInbox) -> None:
    slow = channel(inbox, deadline_seconds=0.2)
    inbox.answering.clear()
    with pytest.raises(ChannelFailedError, match=r"no answer within 0\.2 seconds"):
        await slow.send(notice("first"))
    with pytest.raises(ChannelFailedError, match="an earlier message still hangs"):
        await slow.send(notice("second"))
    threads = [thread for thread in threading.enumerate() if thread.name == "tradai-notify-json"]
    assert [thread.daemon for thread in threads] == [True]
    inbox.answering.set()
    await asyncio.to_thread(threads[0].join, 5)
    await slow.send(notice("third"))
    assert [post["message"] for post in inbox.posted] == ["first", "third"]


def test_a_service_that_hangs_does_not_keep_the_process_from_ending(inbox: HttpInbox) -> None:
    inbox.answering.clear()
    script = f"""
import asyncio
from tests.notify.test_channels import notice
from tradai_lifecycle.notify.apprise_channel import apprise_channels
from tradai_lifecycle.notify.channels import ChannelFailedError
from tradai_lifecycle.notify.redaction import Redactor

(slow,) = apprise_channels(["json://{inbox.address}/?rto=60"], sender="x", redact=Redactor(), deadline_seconds=0.2)
try:
    asyncio.run(slow.send(notice()))
except ChannelFailedError:
    print("given up")
"""
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.returncode) == ("given up\n", 0), ended.stderr
    assert time.monotonic() - begun < 30


def test_an_unknown_address_is_refused_by_its_place_without_showing_it() -> None:
    with pytest.raises(AppriseUrlError, match="entry 2") as caught:
        apprise_channels(["json://127.0.0.1/", "slak://SECRETTOKEN123"], sender="btc", redact=Redactor())
    assert "SECRETTOKEN123" not in str(caught.value)


def test_what_apprise_logs_of_an_unknown_address_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    redact = Redactor(["SECRETTOKEN123"])
    with caplog.at_level(logging.DEBUG, logger="apprise"), pytest.raises(AppriseUrlError):
        apprise_channels(["slak://SECRETTOKEN123"], sender="btc", redact=redact)
    assert caplog.records
    assert "SECRETTOKEN123" not in caplog.text


def test_several_addresses_of_a_service_are_told_apart() -> None:
    urls = ["json://127.0.0.1/a", "json://127.0.0.1/b", "jsons://127.0.0.1/c"]
    names = [one.name for one in apprise_channels(urls, sender="btc", redact=Redactor())]
    assert names == ["json", "json 2", "jsons"]


_WITHOUT_APPRISE = """
import sys
sys.modules["apprise"] = None
from tradai_lifecycle.notify.apprise_channel import apprise_channels
from tradai_lifecycle.notify.redaction import Redactor

print(apprise_channels([], sender="btc", redact=Redactor()))
try:
    apprise_channels(["json://127.0.0.1"], sender="btc", redact=Redactor())
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_apprise_only_its_channels_are_missing_and_the_error_says_what_to_install() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT_APPRISE], capture_output=True, text=True, timeout=60, check=False
    )
    first, second = ended.stdout.splitlines()
    assert first == "()"
    assert second.startswith(AppriseMissingError.__name__)
    assert "pip install 'tradai-lifecycle[notify]'" in second


_IMPORTED = """
import sys
import tradai_lifecycle.notify.assembly
heavy = {"apprise", "telegram", "freqtrade", "matplotlib", "mlflow"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
"""


def test_the_room_imports_nothing_heavy() -> None:
    ended = subprocess.run([sys.executable, "-c", _IMPORTED], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout == "[]\n", ended.stderr
