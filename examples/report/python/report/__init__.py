"""Renders reports. A report has a title, a time zone, and readings with times in UTC."""

import io
import json
from datetime import datetime
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, select_autoescape
from rich.console import Console
from rich.table import Table

ENVIRONMENT = Environment(loader=PackageLoader("report"), autoescape=select_autoescape())
PAGE = ENVIRONMENT.get_template("page.html")
# The first time zone imports modules, which then are part of the snapshot.
ZoneInfo("UTC")


def read(text):
    """Returns the report with its times in its time zone."""
    report = json.loads(text)
    zone = ZoneInfo(report["zone"])
    for reading in report["readings"]:
        reading["time"] = datetime.fromisoformat(reading["time"]).astimezone(zone)
    return report


def page(text):
    return PAGE.render(read(text))


def summary(text):
    report = read(text)
    table = Table(title=report["title"])
    table.add_column("time")
    table.add_column("value", justify="right")
    for reading in report["readings"]:
        table.add_row(f"{reading['time']:%H:%M %Z}", f"{reading['value']:.1f}")
    console = Console(file=io.StringIO(), width=60)
    console.print(table)
    return console.file.getvalue()
