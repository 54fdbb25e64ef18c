"""The command tree: every command is found here and defined in the file of its group."""

import typer

from tradai_lifecycle.cli import demonstrate, doctor, models, operate, profit, rehearse, scaffold, train, uninstall

app = typer.Typer(
    name="tradai",
    help="A freqtrade bot's machine-learning model with a life: train, promote, watch, pause, roll back.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command("train")(train.train)
app.command("versions")(models.versions)
app.command("promote")(models.promote)
app.command("rollback")(models.rollback)
app.command("pin")(models.pin)
app.command("unpin")(models.unpin)
app.command("adopt")(models.adopt)
app.command("timeline")(models.timeline)
app.command("status")(operate.status)
app.command("why")(operate.why)
app.command("pause")(operate.pause)
app.command("resume")(operate.resume)
app.command("reduce")(operate.reduce)
app.command("drift")(operate.drift)
app.command("accuracy")(operate.accuracy)
app.command("blocked")(operate.blocked)
app.command("retrain")(operate.retrain)
app.command("ack")(operate.ack)
app.command("resolve")(operate.resolve)
app.command("reset-drift")(operate.reset_drift)
app.command("history")(operate.history)
app.command("rehearse")(rehearse.rehearse)
app.command("demo")(demonstrate.demo)
app.command("profit")(profit.profit)
app.command("doctor")(doctor.doctor)
app.command("new-strategy")(scaffold.new_strategy)
app.command("new-config")(scaffold.new_config)
app.command("uninstall")(uninstall.uninstall)

__all__ = ["app"]
