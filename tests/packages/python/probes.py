"""Programs that use popular packages with their data, metadata and plug-ins.

Each function is named after a package. It runs in a wasm module that sees no files of a host.
"""

import importlib
import importlib.metadata
import importlib.resources
import io
import os
import pkgutil
import traceback
import warnings
from datetime import datetime


def version_is_known(name):
    """Checks the metadata: the version, the files and the requirements."""
    assert importlib.metadata.version(name)[0].isdigit()
    distribution = importlib.metadata.distribution(name)
    assert distribution.metadata["Name"], name
    assert any(file.name == "METADATA" for file in distribution.files), name


def submodules(package):
    return {it.name for it in pkgutil.iter_modules(package.__path__)}


def attrs():
    import attr
    from attrs import asdict, define, field, validators

    @define
    class Point:
        x: int = field(validator=validators.instance_of(int))
        y: int = 2

    assert asdict(Point(1)) == {"x": 1, "y": 2}
    assert "filters" in submodules(attr)
    # A stub file for tools, which is not embedded, and the marker beside it, which is.
    assert importlib.resources.files("attr").joinpath("py.typed").is_file()


def babel():
    from babel import Locale, dates, localedata, numbers

    assert len(localedata.locale_identifiers()) > 500
    assert Locale("de").languages["fr"] == "Französisch"
    assert numbers.format_currency(1234.5, "EUR", locale="de_DE") == "1.234,50\xa0€"
    day = dates.format_date(datetime(2026, 7, 1), format="long", locale="fr")
    assert day == "1 juillet 2026", day


def beautifulsoup4():
    from bs4 import BeautifulSoup

    soup = BeautifulSoup("<p class=a>one<p>two", "html.parser")
    assert [it.text for it in soup.select("p.a")] == ["onetwo"] or soup.find_all("p")
    assert soup.select_one("p.a") is not None


def blinker():
    from blinker import signal

    seen = []
    receiver = lambda sender: seen.append(sender)
    signal("ready").connect(receiver)
    signal("ready").send("me")
    assert seen == ["me"]


def certifi():
    import certifi as module

    text = module.contents()
    assert text.count("BEGIN CERTIFICATE") > 100
    with open(module.where()) as file:
        assert file.read() == text
    assert importlib.resources.files("certifi").joinpath("cacert.pem").read_text() == text


def charset_normalizer():
    from charset_normalizer import from_bytes

    best = from_bytes("Größe, Straße und Übermut, schöne Grüße aus Köln".encode("utf-8")).best()
    assert best.encoding == "utf_8", best


def click():
    import click as module
    from click.testing import CliRunner

    @module.command()
    @module.option("--count", default=1)
    def hello(count):
        module.echo("hello " * count)

    assert CliRunner().invoke(hello, ["--count", "2"]).output == "hello hello \n"


def colorama():
    from colorama import Fore

    assert Fore.RED == "\x1b[31m"


def docutils():
    from docutils.core import publish_string

    page = publish_string("Title\n=====\n\n*text*", writer_name="html5", settings_overrides={"_disable_config": True})
    assert b"<em>text</em>" in page and b"<style" in page, page


def flask():
    import flask as module

    app = module.Flask("probes")

    @app.get("/<name>")
    def page(name):
        return module.render_template_string("hello {{ name }}", name=name)

    response = app.test_client().get("/you")
    assert response.text == "hello you", response.text
    commands = importlib.metadata.entry_points(group="console_scripts")
    assert any(it.name == "flask" and it.load() for it in commands)


def h11():
    import h11 as module

    connection = module.Connection(our_role=module.CLIENT)
    data = connection.send(module.Request(method="GET", target="/", headers=[("Host", "x")]))
    assert data.startswith(b"GET / HTTP/1.1"), data


def httpx():
    import httpx as module

    transport = module.MockTransport(lambda request: module.Response(200, json={"path": request.url.path}))
    with module.Client(transport=transport, base_url="https://example") as client:
        assert client.get("/a").json() == {"path": "/a"}


def idna():
    import idna as module

    assert module.encode("königsgäßchen") == b"xn--knigsgchen-b4a3dun"


def iniconfig():
    from iniconfig import IniConfig

    assert IniConfig("x", data="[a]\nb=1\n")["a"]["b"] == "1"


def itsdangerous():
    from itsdangerous import URLSafeSerializer

    serializer = URLSafeSerializer("key")
    assert serializer.loads(serializer.dumps([1])) == [1]


def jinja2():
    import jinja2 as module

    environment = module.Environment(loader=module.PackageLoader("probes_data", "templates"))
    assert environment.list_templates() == ["hello.txt"]
    assert environment.get_template("hello.txt").render(name="you") == "hello you"
    assert "ext" in submodules(module)


def jmespath():
    import jmespath as module

    assert module.search("a[*].b", {"a": [{"b": 1}, {"b": 2}]}) == [1, 2]


def markdown_it_py():
    from markdown_it import MarkdownIt

    assert MarkdownIt().render("# x") == "<h1>x</h1>\n"


def markupsafe():
    from markupsafe import Markup, escape

    assert escape("<a>") == Markup("&lt;a&gt;")


def more_itertools():
    from more_itertools import chunked

    assert list(chunked("abc", 2)) == [["a", "b"], ["c"]]


def networkx():
    import networkx as module

    graph = module.path_graph(4)
    assert module.shortest_path(graph, 0, 3) == [0, 1, 2, 3]
    assert module.karate_club_graph().number_of_nodes() == 34
    # Backends are plug-ins.
    assert importlib.metadata.entry_points(group="networkx.backends")


def packaging():
    from packaging.markers import Marker
    from packaging.version import Version

    assert Version("1.10") > Version("1.9")
    assert Marker("sys_platform == 'wasi'").evaluate()


def pluggy():
    import pluggy as module

    spec, impl = module.HookspecMarker("x"), module.HookimplMarker("x")

    class Spec:
        @spec
        def run(self): ...

    class Plugin:
        @impl
        def run(self):
            return 3

    manager = module.PluginManager("x")
    manager.add_hookspecs(Spec)
    manager.register(Plugin())
    assert manager.hook.run() == [3]


def pycparser():
    from pycparser import c_generator, c_parser

    tree = c_parser.CParser().parse("int f(int x) { return x; }")
    assert "return x;" in c_generator.CGenerator().visit(tree)


def pygments():
    import pygments as module
    from pygments import lexers, styles
    from pygments.formatters import HtmlFormatter

    assert len(list(lexers.get_all_lexers())) > 500
    assert "monokai" in styles.get_all_styles()
    page = module.highlight("def f(): pass", lexers.get_lexer_by_name("python"), HtmlFormatter())
    assert '<span class="k">def</span>' in page, page
    # The modules of a package are listed without importing them.
    assert {"lexers.python", "lexers.rust"} <= {
        it.name.removeprefix("pygments.") for it in pkgutil.walk_packages(module.__path__, "pygments.")
    }


def pyparsing():
    import pyparsing as module

    assert module.Word(module.nums).parse_string("42")[0] == "42"


def pytest():
    import pytest as module

    class Plugin:
        passed = 0

        def pytest_runtest_logreport(self, report):
            self.passed += report.when == "call" and report.passed

        def pytest_collect_file(self, file_path, parent):
            return None

    with module.raises(ZeroDivisionError):
        1 / 0
    assert module.approx(0.1 + 0.2) == 0.3
    plugins = importlib.metadata.entry_points(group="console_scripts")
    assert any(it.name == "pytest" for it in plugins)


def python_dateutil():
    from dateutil import parser, relativedelta
    from dateutil.zoneinfo import get_zonefile_instance

    assert parser.parse("1 July 2026").month == 7
    assert datetime(2026, 1, 31) + relativedelta.relativedelta(months=1) == datetime(2026, 2, 28)
    # Zones from a compressed archive in the package.
    zone = get_zonefile_instance().get("Europe/Zurich")
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset().seconds == 7200


def pytz():
    import pytz as module

    assert len(module.all_timezones) > 400
    assert module.timezone("Asia/Tokyo").localize(datetime(2026, 7, 1)).utcoffset().seconds == 9 * 3600


def pyyaml():
    import yaml

    assert yaml.safe_load("a: [1, two]") == {"a": [1, "two"]}
    assert not yaml.__with_libyaml__


def requests():
    import requests as module

    session = module.Session()
    request = module.Request("POST", "https://example/ä", params={"q": "x y"}, json={"a": 1})
    prepared = session.prepare_request(request)
    assert prepared.url == "https://example/%C3%A4?q=x+y", prepared.url
    assert os.path.isfile(module.certs.where())
    assert os.listdir(os.path.dirname(module.certs.where()))


def rich():
    from rich.console import Console
    from rich.syntax import Syntax
    from rich.table import Table

    console = Console(file=io.StringIO(), width=40)
    table = Table(title="title")
    table.add_column("a")
    table.add_row("b")
    console.print(table, ":smile:")
    console.print(Syntax("def f(): pass", "python"))
    text = console.file.getvalue()
    assert "title" in text and "😄" in text and "def f" in text, text


def setuptools():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import setuptools as module
    commands = importlib.metadata.entry_points(group="distutils.commands")
    assert {"build", "sdist", "bdist_wheel"} <= {it.name for it in commands}
    assert module.find_packages is not None
    assert importlib.resources.files("setuptools").joinpath("script.tmpl").is_file()


def six():
    import six as module
    from six.moves import urllib

    assert module.PY3 and urllib.parse.quote("ä") == "%C3%A4"


def sortedcontainers():
    from sortedcontainers import SortedDict

    assert list(SortedDict(b=1, a=2)) == ["a", "b"]


def tomlkit():
    import tomlkit as module

    document = module.parse("a = 1 # one\n")
    document["b"] = 2
    assert module.dumps(document) == "a = 1 # one\nb = 2\n"


def tqdm():
    from tqdm import tqdm as progress

    output = io.StringIO()
    assert sum(progress(range(4), file=output)) == 6 and "100%" in output.getvalue()


def typing_extensions():
    import typing_extensions as module

    assert module.get_type_hints is not None and module.TypeIs is not None


def tzdata():
    import zoneinfo

    assert len(zoneinfo.available_timezones()) > 400
    assert datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Zurich")).tzname() == "CEST"
    data = pkgutil.get_data("tzdata", "zones")
    assert b"Europe/Zurich" in data
    assert importlib.resources.files("tzdata.zoneinfo.Europe").joinpath("Zurich").read_bytes()[:4] == b"TZif"


def urllib3():
    from urllib3 import HTTPHeaderDict
    from urllib3.util import Retry, parse_url

    assert parse_url("https://example:1/a?b").port == 1
    assert HTTPHeaderDict(a="1")["A"] == "1" and Retry(3).total == 3


def werkzeug():
    from werkzeug.middleware.shared_data import SharedDataMiddleware
    from werkzeug.test import Client
    from werkzeug.wrappers import Response

    # A file of the package, sent as a response.
    application = SharedDataMiddleware(Response("text"), {"/static": ("werkzeug", "debug/shared")})
    assert Client(application).get("/").text == "text"
    answer = Client(application).get("/static/style.css")
    assert answer.status_code == 200 and "body" in answer.text, answer.status


def run(name):
    """Runs a probe, and returns the traceback if it fails."""
    try:
        version_is_known(name)
        globals()[name.replace("-", "_").lower()]()
    except Exception:
        return traceback.format_exc()


def read_only():
    """Checks that the packages cannot be changed."""
    try:
        open(f"{os.path.dirname(__file__)}/new.txt", "w")
    except OSError as error:
        assert error.strerror == "Read-only file system", error
    else:
        raise AssertionError("a file was created")
