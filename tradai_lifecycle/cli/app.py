"""The command tree: every command is found here and defined in the file of its group."""

import typer

from tradai_lifecycle.cli import demonstrate, models, operate, rehearse, train

app = typer.Typer(
    name="tradai",
    help="A freqtrade bot's machine-learning model with a life: train, promote, watch, pause, roll back.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command("train")(train.train)
app.command("versions")(models.versions)
app.command("promote")(models.promote)
app.command("rollback")(models.rollback)
app.command("pin")(models.pin)
app.command("unpin")(models.unpin)
app.command("timeline")(models.timeline)
app.command("status")(operate.status)
app.command("pause")(operate.pause)
app.command("resume")(operate.resume)
app.command("reduce")(operate.reduce)
app.command("rehearse")(rehearse.rehearse)
app.command("demo")(demonstrate.demo)

__all__ = ["app"]
