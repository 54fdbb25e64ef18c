"""The sandbox Telegram answers python-telegram-bot's real client as Telegram does, and fails on request."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Message, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.ext import Application, CallbackQueryHandler, CommandHandler
from telegram.request import HTTPXRequest

from tradai_lifecycle.sandbox.telegram_markup import open_entity_offset
from tradai_lifecycle.sandbox.telegram_server import Outage, SandboxTelegram

TOKEN, OTHER = "111:AAAA", "222:BBBB"
CHAT, USER = 42, 42


@pytest.fixture
def server() -> Iterator[SandboxTelegram]:
    with SandboxTelegram({TOKEN: "life_bot", OTHER: "host_bot"}) as running:
        yield running


@pytest.fixture
async def bot(server: SandboxTelegram) -> AsyncIterator[Bot]:
    async with client(server) as running:
        yield running


def client(server: SandboxTelegram, token: str = TOKEN, read_timeout: float = 5.0) -> Bot:
    request = HTTPXRequest(read_timeout=read_timeout, connect_timeout=2.0)
    return Bot(token, base_url=f"{server.url}/bot", request=request, get_updates_request=HTTPXRequest())


async def updates(bot: Bot, **options: Any) -> tuple[Update, ...]:
    return await bot.get_updates(**options)


async def test_a_bot_is_who_its_token_says(server: SandboxTelegram) -> None:
    async with client(server) as one, client(server, OTHER) as other:
        assert (one.username, other.username) == ("life_bot", "host_bot")
        assert one.id != other.id


async def test_an_unknown_token_is_unauthorised(server: SandboxTelegram) -> None:
    with pytest.raises(InvalidToken):
        await client(server, "333:CCCC").initialize()


async def test_what_a_person_types_arrives_until_it_is_confirmed(server: SandboxTelegram, bot: Bot) -> None:
    number = server.type(CHAT, USER, "/status all", name="anna")
    first = await updates(bot)
    again = await updates(bot)
    assert [update.update_id for update in first] == [update.update_id for update in again]
    message = first[0].message
    assert message is not None
    assert message.from_user is not None
    assert (message.message_id, message.text, message.chat.id) == (number, "/status all", CHAT)
    assert (message.from_user.username, message.from_user.is_bot) == ("anna", False)
    assert [message.parse_entity(entity) for entity in message.entities] == ["/status"]
    assert await updates(bot, offset=first[-1].update_id + 1) == ()
    assert await updates(bot) == ()


async def test_a_negative_offset_forgets_all_but_the_last(server: SandboxTelegram, bot: Bot) -> None:
    for text in ("/a", "/b", "/c"):
        server.type(CHAT, USER, text)
    (last,) = await updates(bot, offset=-1)
    assert last.message is not None
    assert last.message.text == "/c"
    assert len(await updates(bot)) == 1


async def test_a_long_poll_ends_when_somebody_types(server: SandboxTelegram, bot: Bot) -> None:
    poll = asyncio.create_task(updates(bot, timeout=30))
    await asyncio.to_thread(server.wait_until, server.is_polled)
    server.type(-100, USER, "hello", topic_id=7, edited=True)
    (update,) = await poll
    assert update.message is None
    assert update.edited_message is not None
    assert (update.edited_message.message_thread_id, update.edited_message.chat.type) == (7, "supergroup")


async def test_a_long_poll_without_news_ends_empty(bot: Bot) -> None:
    assert await updates(bot, timeout=1) == ()


async def test_the_older_of_two_pollers_of_one_token_gets_a_conflict(server: SandboxTelegram, bot: Bot) -> None:
    async with client(server) as second:
        older = asyncio.create_task(updates(bot, timeout=30))
        await asyncio.to_thread(server.wait_until, server.is_polled)
        newer = asyncio.create_task(updates(second, timeout=30))
        with pytest.raises(Conflict):
            await older
        server.type(CHAT, USER, "/status")
        assert len(await newer) == 1
    assert server.conflicts() == 1


async def test_two_tokens_are_polled_side_by_side(server: SandboxTelegram, bot: Bot) -> None:
    async with client(server, OTHER) as other:
        polls = asyncio.gather(updates(bot, timeout=30), updates(other, timeout=30))
        server.type(CHAT, USER, "/one")
        server.type(CHAT, USER, "/two", token=OTHER)
        assert [len(found) for found in await polls] == [1, 1]


async def test_messages_are_kept_as_they_were_sent(server: SandboxTelegram, bot: Bot) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
    sent = await bot.send_message(CHAT, "one_two *", message_thread_id=7, reply_markup=keys)
    await bot.send_photo(CHAT, b"\x89PNG bytes", caption="a chart")
    text, photo = server.sent
    assert (text.message_id, text.text, text.topic_id, text.parse_mode) == (sent.message_id, "one_two *", 7, None)
    assert [(button.label, button.data) for button in text.buttons] == [("Yes", "y")]
    assert (photo.photo, photo.text) == (b"\x89PNG bytes", "a chart")
    assert server.unanswered == []


async def test_an_edit_changes_the_message_and_the_same_edit_twice_is_refused(
    server: SandboxTelegram, bot: Bot
) -> None:
    sent = await bot.send_message(CHAT, "before")
    await bot.edit_message_text("after", CHAT, sent.message_id)
    with pytest.raises(BadRequest, match="not modified"):
        await bot.edit_message_text("after", CHAT, sent.message_id)
    with pytest.raises(BadRequest, match="not found"):
        await bot.edit_message_text("after", CHAT + 1, sent.message_id)
    (message,) = server.sent
    assert (message.text, message.edits) == ("after", 1)


async def test_buttons_are_taken_away_by_an_edit(server: SandboxTelegram, bot: Bot) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
    sent = await bot.send_message(CHAT, "sure?", reply_markup=keys)
    await bot.edit_message_reply_markup(CHAT, sent.message_id, reply_markup=None)
    assert server.sent[0].buttons == ()
    with pytest.raises(LookupError, match="no button"):
        server.press(sent.message_id, "Yes", USER)


async def test_a_pressed_button_is_answered_once(server: SandboxTelegram, bot: Bot) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="data")]])
    sent = await bot.send_message(CHAT, "sure?", reply_markup=keys)
    server.press(sent.message_id, "Yes", USER)
    (update,) = await updates(bot)
    query = update.callback_query
    assert query is not None
    assert isinstance(query.message, Message)
    assert (query.data, query.from_user.id, query.message.message_id) == ("data", USER, sent.message_id)
    await query.answer("done", show_alert=True)
    assert [(answer.text, answer.alert) for answer in server.answers] == [("done", True)]
    with pytest.raises(BadRequest, match="too old"):
        await query.answer("again")


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("plain", None),
        ("one_two", 3),
        ("*bold* and _italic_ and `code`", None),
        ("`open_here", 0),
        (r"escaped \_ and \* and \[ and \`", None),
        ("*a_b*", None),
        ("[a link](https://example.org/a_b)", None),
        ("a [bracket", 2),
        ("[BTC/USDT]", None),
        ("```\nblock_with_marks*\n```", None),
        ("```\nopen", 0),
        ("é_", 2),
        ("\\", None),
    ],
)
def test_an_entity_that_is_not_closed_is_found_at_its_byte(text: str, offset: int | None) -> None:
    assert open_entity_offset(text) == offset


async def test_unbalanced_markdown_loses_the_message_as_it_does_there(server: SandboxTelegram, bot: Bot) -> None:
    with pytest.raises(BadRequest, match="can't find end of the entity starting at byte offset 3"):
        await bot.send_message(CHAT, "psi_max", parse_mode="Markdown")
    assert server.sent == []
    await bot.send_message(CHAT, "psi_max")
    assert [message.text for message in server.sent] == ["psi_max"]


@pytest.mark.parametrize(("text", "problem"), [("x" * 4_097, "too long"), (" \n", "text is empty")])
async def test_texts_that_telegram_does_not_take_are_refused(bot: Bot, text: str, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        await bot.send_message(CHAT, text)


async def test_long_button_data_are_refused(bot: Bot) -> None:
    keys = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y" * 65)]])
    with pytest.raises(BadRequest, match=r"(?i)BUTTON_DATA_INVALID"):
        await bot.send_message(CHAT, "sure?", reply_markup=keys)


async def test_the_command_list_is_kept_and_bad_names_are_refused(server: SandboxTelegram, bot: Bot) -> None:
    await bot.set_my_commands([("reset_drift", "count anew")])
    assert server.commands() == {"reset_drift": "count anew"}
    with pytest.raises(BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([("reset-drift", "count anew")])


async def test_a_flood_is_answered_with_the_time_to_wait_and_then_is_over(server: SandboxTelegram, bot: Bot) -> None:
    server.flood(2, 3)
    for _ in range(2):
        with pytest.raises(RetryAfter, match="3 seconds"):
            await bot.send_message(CHAT, "hello")
    await bot.send_message(CHAT, "hello")


async def test_a_blocked_bot_is_forbidden_to_write(server: SandboxTelegram, bot: Bot) -> None:
    server.block(CHAT)
    with pytest.raises(Forbidden):
        await bot.send_message(CHAT, "hello")
    await bot.send_message(CHAT + 1, "hello")


@pytest.mark.parametrize(
    ("kind", "error"),
    [(Outage.REFUSE, NetworkError), (Outage.ERROR, NetworkError), (Outage.HANG, TimedOut)],
)
async def test_an_outage_fails_every_request_and_then_is_over(
    server: SandboxTelegram, kind: Outage, error: type[Exception]
) -> None:
    async with client(server, read_timeout=0.3) as bot:
        with server.outage(kind), pytest.raises(error):
            await bot.send_message(CHAT, "hello")
        await bot.send_message(CHAT, "again")
    assert server.sent[-1].text == "again"


async def test_an_outage_ends_waiting_polls(server: SandboxTelegram, bot: Bot) -> None:
    poll = asyncio.create_task(updates(bot, timeout=30))
    await asyncio.to_thread(server.wait_until, server.is_polled)
    with server.outage(Outage.ERROR), pytest.raises(NetworkError):
        await poll


async def test_an_outage_of_one_bot_leaves_the_others_alone(server: SandboxTelegram, bot: Bot) -> None:
    async with client(server, OTHER) as other:
        with server.outage(Outage.ERROR, token=OTHER):
            await bot.send_message(CHAT, "hello")
            with pytest.raises(NetworkError):
                await other.send_message(CHAT, "hello")
        await other.send_message(CHAT, "again")


async def test_an_application_of_the_real_library_runs_on_it(server: SandboxTelegram) -> None:
    async def start(update: Update, _context: Any) -> None:
        assert update.message is not None
        keys = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
        await update.message.reply_text("sure?", reply_markup=keys)

    async def pressed(update: Update, _context: Any) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer()
        await update.callback_query.edit_message_text("done")

    application = Application.builder().token(TOKEN).base_url(f"{server.url}/bot").build()
    application.add_handlers([CommandHandler("go", start), CallbackQueryHandler(pressed)])
    server.type(CHAT, USER, "/go")
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling(drop_pending_updates=True)
        server.type(CHAT, USER, "/go")
        asked = await asyncio.to_thread(server.wait_for, lambda message: message.text == "sure?")
        server.press(asked.message_id, "Yes", USER)
        await asyncio.to_thread(server.wait_for, lambda message: message.text == "done")
        await application.updater.stop()
        await application.stop()
    assert len(server.sent) == 1, "what was typed before the start was to be dropped"


def test_waiting_in_vain_says_what_was_sent(server: SandboxTelegram) -> None:
    with pytest.raises(TimeoutError, match="sent so far"):
        server.wait_for(lambda message: True, timeout=0.05)


def test_a_channel_post_has_nobody_behind_it(server: SandboxTelegram) -> None:
    async def read() -> Update:
        async with client(server) as bot:
            (update,) = await bot.get_updates()
            return update

    server.post_in_channel(-100, "/pause")
    update = asyncio.run(read())
    assert update.effective_user is None
    assert update.channel_post is not None


def test_closing_twice_is_closing_once() -> None:
    server = SandboxTelegram({TOKEN: "life_bot"}).start()
    server.close()
    server.close()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url
