from __future__ import annotations

from typing import ClassVar

import pytest

from active_data_flow import DataFlow, FileSink, FileSource, register_function
from active_data_flow.core.errors import ConfigurationError
from django_project.setup import app_settings_of, set_up_django

set_up_django()

from active_data_flow.runtimes.heartbeat.configuration_checks import check_configuration, check_flow  # noqa: E402

SINK = {"type": "sql", "url": "env:ADF_URL", "table": "t"}


def refused(configuration, message, path=None, **settings):
    with app_settings_of(**settings), pytest.raises(ConfigurationError, match=message) as error:
        check_configuration("prices", configuration)
    if path is not None:
        assert error.value.faults[0].path == path


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        ({"sink": {"password": "hunter2"}}, ("sink", "password")),
        ({"sinks": {"one": {"api_key": "x"}}}, ("sinks", "one", "api_key")),
        ({"source": {"headers": {"Authorization": "Bearer x"}}}, ("source", "headers", "Authorization")),
        ({"transforms": [{"type": "x", "access_token": "y"}]}, ("transforms", 0, "access_token")),
        ({"sink": {"url": "postgresql://u:hunter2@db.example/x"}}, ("sink", "url")),
        ({"note": "see https://u:hunter2@example.com"}, ("note",)),
    ],
)
def test_a_secret_in_clear_is_refused_and_not_repeated(configuration, path):
    with pytest.raises(ConfigurationError, match="never in clear") as error:
        check_configuration("prices", configuration)
    assert path in [fault.path for fault in error.value.faults]
    assert "hunter2" not in str(error.value)


def test_columns_may_be_called_what_they_like():
    check_configuration("prices", {"schema": {"token": "string"}, "transforms": [{"columns": {"password": "pw"}}]})
    check_configuration("prices", {"sink": SINK | {"password": "env:ADF_PASSWORD"}})


@pytest.mark.parametrize("name", ["SECRET_KEY", "DJANGO_ADF_X", "", "PATH", "adf_x", "SECRET\nADF_"])
def test_only_variables_made_for_flows_may_be_referred_to(name):
    refused({"source": {"url": f"env:{name}"}}, "has to begin with ADF_; see ENV_PREFIXES", ("source", "url"))
    check_configuration("prices", {"source": {"url": "env:ADF_URL"}})
    with app_settings_of(ENV_PREFIXES=["SHOP_"]):
        check_configuration("prices", {"source": {"url": "env:SHOP_URL"}})
    refused({"source": {"url": "env:ADF_URL"}}, "ENV_PREFIXES is empty", ENV_PREFIXES=[])


@pytest.mark.parametrize("name", ["pickle", "Pickle", "dill", "marshal"])
def test_formats_that_run_code_are_refused(name):
    refused({"sink": {"type": "cache", "format": name}}, "runs code when it is read", ("sink", "format"))


def test_what_no_database_can_hold_is_refused():
    refused({"description": "a\0b"}, "description has a NUL character")
    refused({"sink": {"a\0": 1}}, "NUL character")
    refused({"description": "\ud800"}, "surrogate")


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigurationError, match="flow prices: 2 faults:") as error:
        check_configuration("prices", {"source": {"url": "env:X"}, "sink": {"password": "x"}})
    assert [fault.path for fault in error.value.faults] == [("source", "url"), ("sink", "password")]


def flow_of(source, sink="out.csv", **options):
    return DataFlow(name="prices", source=FileSource(path=source), sink=FileSink(path=sink), **options)


@pytest.fixture
def roots(tmp_path):
    """A folder that records may name, with a secret beside it."""
    (tmp_path / "allowed" / "deep").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    (tmp_path / "allowed" / "in.csv").write_text("a\n1\n")
    with app_settings_of(FILE_ROOTS=[str(tmp_path / "allowed")]):
        yield tmp_path


def test_files_below_the_roots_are_fine(roots):
    allowed = roots / "allowed"
    for path in ("in.csv", "*.csv", "**/*.csv", "deep", "new/out.csv", "deep/../in.csv", "", "file://in.csv"):
        name = f"file://{allowed}/in.csv" if path.startswith("file:") else f"{allowed}/{path}"
        check_flow("prices", flow_of(name, f"{allowed}/out.csv"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{root}/secret.csv",
        "{root}/allowed/../secret.csv",
        "{root}/allowed/*/../../secret.csv",
        "{root}/*.csv",
        "{root}/allowed/link.csv",
        "{root}/allowed/l*.csv",
        "{root}/allowed/linked/secret.csv",
        "{root}/allowed/linked",
        "{root}/allowed",  # there is a link in it
        "{root}/allowed-not/x.csv",
        "file://{root}/secret.csv",
        "~/x.csv",
        "relative.csv",
    ],
)
def test_files_elsewhere_are_refused_by_their_real_path(roots, path):
    (roots / "allowed" / "link.csv").symlink_to(roots / "secret.csv")
    (roots / "allowed" / "linked").symlink_to(roots)
    with pytest.raises(ConfigurationError, match=r"FILE_ROOTS|may not stand behind") as error:
        check_flow("prices", flow_of(path.format(root=roots), f"{roots}/allowed/out.csv"))
    assert error.value.faults[0].path == ("source",)


def test_paths_that_lead_nowhere_are_refused(roots):
    (roots / "allowed" / "round").symlink_to(roots / "allowed" / "round")
    for path in ("round", "x" * 5000):
        with pytest.raises(ConfigurationError, match=r"where it leads can't be told"):
            check_flow("prices", flow_of(f"{roots}/allowed/{path}", f"{roots}/allowed/out.csv"))


def test_a_sink_writes_nowhere_else_either(roots):
    with pytest.raises(ConfigurationError, match="FILE_ROOTS") as error:
        check_flow("prices", flow_of(f"{roots}/allowed/in.csv", f"{roots}/out.csv"))
    assert error.value.faults[0].path == ("sink",)


def test_without_roots_a_record_names_no_files(tmp_path):
    missing = pytest.raises(ConfigurationError, match="add their folder to FILE_ROOTS, or name them in code")
    with app_settings_of(FILE_ROOTS=[]), missing:
        check_flow("prices", flow_of(str(tmp_path / "in.csv")))


def test_what_the_code_names_is_the_developer_s(roots):
    code = flow_of("/etc/hosts", f"{roots}/allowed/out.csv")
    check_flow("prices", flow_of("/etc/hosts", f"{roots}/allowed/other.csv"), code)
    with pytest.raises(ConfigurationError, match="/etc/passwd"):
        check_flow("prices", flow_of("/etc/passwd", f"{roots}/allowed/other.csv"), code)


def test_the_same_rule_for_sqlite(roots):
    with app_settings_of(FILE_ROOTS=[str(roots / "allowed")]):
        check_configuration("prices", {"sink": {"url": f"sqlite:///{roots}/allowed/x.db"}})
        for url in (f"sqlite:///{roots}/x.db", f"sqlite+pysqlite:///{roots}/x.db", "sqlite:///x.db", "SQLITE:///x.db"):
            with pytest.raises(ConfigurationError, match="FILE_ROOTS"):
                check_configuration("prices", {"sink": {"url": url}})


def test_an_import_path_is_no_function(roots):
    register_function(lambda message: message, "known")
    allowed = f"{roots}/allowed/in.csv"
    from active_data_flow.transforms import Python

    check_flow("prices", flow_of(allowed, allowed + "2", transforms=[Python(function="known")]))
    for name in ("os:system", "os.system", "knwon"):
        with pytest.raises(ConfigurationError, match=r"no function .* is registered") as error:
            check_flow("prices", flow_of(allowed, allowed + "2", transforms=[Python(function=name)]))
        assert error.value.faults[0].path == ("transforms", 0)


class Reading(FileSource):
    """A component of someone else's, whose options are called as files are."""

    type: ClassVar[str] = "reading"
    directory: str = "/var"


def test_a_component_of_others_is_held_to_it_too():
    assert Reading(path=["a", "b"]).local_files() == ["a", "b", "/var"]
