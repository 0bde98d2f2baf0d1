from __future__ import annotations

from pathlib import Path

import pytest

from convert.settings import SERVER, Settings, SettingsError, Upstream, load


def from_file(folder: Path, text: str, **environ: str) -> Settings:
    ini = folder / "wsgi.ini"
    ini.write_text(text)
    return load(ini, environ)


def fault(environ: dict[str, str], ini: Path | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(ini, environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def file_fault(folder: Path, text: str, **environ: str) -> str:
    ini = folder / "wsgi.ini"
    ini.write_text(text)
    return fault(environ, ini)


def test_nothing_configured_is_the_demonstration() -> None:
    settings = load(None, {})
    (upstream,) = settings.upstreams
    assert (upstream.name, upstream.url, upstream.format, upstream.api_key) == (
        "echo",
        "echo://demonstration",
        "chat",
        "",
    )
    assert (settings.idle_timeout, settings.connect_timeout, settings.keep_alive) == (600, 10, 15)
    assert (settings.body_limit, settings.keys, settings.open, settings.strict) == (64 * 1024**2, (), False, False)


def test_the_defaults_of_the_class_and_of_the_schema_are_the_same() -> None:
    plain = Settings(upstreams=())
    assert {name: getattr(plain, name) for name in SERVER.fields} == SERVER.load({})


def test_the_file_stands_above_the_defaults_and_the_environment_above_the_file(tmp_path: Path) -> None:
    text = "[app:main]\nuse = call:convert:paste_app\nidle_timeout = 30\nkeep_alive = 5\n"
    settings = from_file(tmp_path, text, CONVERT_KEEP_ALIVE="1.5")
    assert (settings.idle_timeout, settings.keep_alive, settings.connect_timeout) == (30, 1.5, 10)


def test_one_upstream_from_the_environment() -> None:
    settings = load(
        None, {"UPSTREAM_URL": "https://api.deepseek.com", "UPSTREAM_API_KEY": "sk-1 ", "UPSTREAM_MODEL": "m"}
    )
    (upstream,) = settings.upstreams
    assert (upstream.name, upstream.format, upstream.api_key, upstream.model) == ("main", "chat", "sk-1", "m")
    assert upstream.provider.name == "deepseek"


def test_a_provider_can_be_named() -> None:
    (upstream,) = load(None, {"UPSTREAM_URL": "http://10.0.0.1:9000", "UPSTREAM_PROVIDER": "glm"}).upstreams
    assert upstream.provider.name == "glm"


MANY = """
[app:main]
use = call:convert:paste_app
[upstream:deepseek]
url = https://api.deepseek.com
api_key_env = DEEPSEEK_KEY
path_prefix = /deepseek/
models = deepseek-*, r1
    r2
[upstream:my-glm]
url = https://open.bigmodel.cn/api/paas/v4
format = responses
default = yes
"""


def test_many_upstreams_from_a_file_with_their_keys_from_the_environment(tmp_path: Path) -> None:
    settings = from_file(
        tmp_path, MANY, DEEPSEEK_KEY="sk-d", UPSTREAM_MY_GLM_API_KEY="sk-g", UPSTREAM_MY_GLM_MODEL="glm-5"
    )
    deepseek, glm = settings.upstreams
    assert (deepseek.name, deepseek.api_key, deepseek.path_prefix) == ("deepseek", "sk-d", "/deepseek")
    assert deepseek.models == ("deepseek-*", "r1", "r2")
    assert (glm.name, glm.api_key, glm.model, glm.format, glm.default) == ("my-glm", "sk-g", "glm-5", "responses", True)


def test_the_upstream_of_the_environment_comes_first(tmp_path: Path) -> None:
    settings = from_file(tmp_path, MANY, DEEPSEEK_KEY="k", UPSTREAM_URL="https://api.x.com")
    assert [upstream.name for upstream in settings.upstreams] == ["main", "deepseek", "my-glm"]


def test_a_named_upstream_needs_no_file() -> None:
    environ = {"UPSTREAM_FAST_ONE_URL": "https://api.x.com/v1", "UPSTREAM_FAST_ONE_API_KEY": "k"}
    (upstream,) = load(None, environ).upstreams
    assert (upstream.name, upstream.api_key) == ("fast_one", "k")


def test_the_file_can_hold_all_of_main_but_its_key(tmp_path: Path) -> None:
    text = "[upstream:main]\nurl = https://api.x.com\nmodel = from-file\n"
    (upstream,) = from_file(tmp_path, text, UPSTREAM_API_KEY="k", UPSTREAM_MODEL="from-environment").upstreams
    assert (upstream.url, upstream.api_key, upstream.model) == ("https://api.x.com", "k", "from-environment")


def test_foreign_and_empty_variables_are_ignored() -> None:
    environ = {
        "DATABASE": "x", "DATABASE_URL": "", "PORT": "x", "OPENAI_API_KEY": "k", "UPSTREAMS": "1", "CONVERTER": "1",
        "CONVERT_KEYS": "", "UPSTREAM_URL": " ", "CONVERT_CORPUS": "/tmp", "CONVERT_CONFORMANCE": "/tmp",
    }  # fmt: skip
    assert load(None, environ) == load(None, {})


@pytest.mark.parametrize(("text", "number"), [("1000", 1000), ("64 MB", 64 * 1024**2), ("2kb", 2048), ("1GB", 1024**3)])
def test_a_size(text: str, number: int) -> None:
    assert load(None, {"CONVERT_BODY_LIMIT": text}).body_limit == number


@pytest.mark.parametrize("url", ["sqlite:////tmp/a.db", "postgres://u:p@host/db", "postgresql://host/db"])
def test_the_database_has_the_variable_that_platforms_set(url: str) -> None:
    given = load(None, {"DATABASE_URL": url})
    assert given.database == url and url not in repr(given)
    assert load(None, {}).database.startswith("sqlite:////")


@pytest.mark.parametrize("url", ["mysql://host/db", "/tmp/a.db", "sqlite://", "sqlite:///:memory:"])
def test_another_kind_of_database_stops_the_start(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL must begin with sqlite:///, and name a file, or with"):
        load(None, {"DATABASE_URL": url})


def test_keys_and_switches() -> None:
    settings = load(
        None, {"CONVERT_KEYS": "a, b,,a", "CONVERT_OPEN": "1", "CONVERT_STRICT": "true", "CONVERT_LOG_LEVEL": "debug"}
    )
    assert (settings.keys, settings.open, settings.strict, settings.log_level) == (("a", "b"), True, True, "DEBUG")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONVERT_IDLE_TIMEOUT", "ten"),
        ("CONVERT_IDLE_TIMEOUT", "0"),
        ("CONVERT_KEEP_ALIVE", "-1"),
        ("CONVERT_CONNECT_TIMEOUT", "nan"),
        ("CONVERT_BODY_LIMIT", "64 miles"),
        ("CONVERT_BODY_LIMIT", "0"),
        ("CONVERT_OPEN", "maybe"),
        ("CONVERT_KEYS", ","),
        ("CONVERT_KEYS", "schlüssel"),
        ("CONVERT_LOG_LEVEL", "LOUD"),
        ("CONVERT_STRIKT", "1"),
        ("UPSTREAM_URL", "api.x.com"),
        ("UPSTREAM_URL", "ftp://api.x.com"),
        ("UPSTREAM_URL", "https://user:sekret@api.x.com"),
        ("UPSTREAM_URL", "https://api.x.com:port"),
        ("UPSTREAM_FORMAT", "soap"),
        ("UPSTREAM_PROVIDER", "nobody"),
        ("UPSTREAM_PATH_PREFIX", "a b"),
        ("UPSTREAM_PATH_PREFIX", "a/../b"),
        ("UPSTREAM_PATH_PREFIX", "v1"),
        ("UPSTREAM_API_KEY", "two words"),
        ("UPSTREAM_API_KEY_ENV", "NOT_SET"),
        ("UPSTREAM_DEFAULT", "perhaps"),
        ("UPSTREAM_ULR", "https://api.x.com"),
        ("UPSTREAM_OTHER_API_KEY", "k"),
    ],
)
def test_what_is_unknown_or_malformed_is_named(variable: str, value: str) -> None:
    message = fault({"UPSTREAM_URL": "https://api.x.com", variable: value})
    assert variable in message
    assert "sekret" not in message


def test_all_faults_are_in_the_one_line() -> None:
    message = fault({"CONVERT_IDLE_TIMEOUT": "ten", "CONVERT_STRIKT": "1", "UPSTREAM_FORMAT": "soap"})
    for name in (
        "CONVERT_IDLE_TIMEOUT",
        "CONVERT_STRIKT is unknown (is strict meant?)",
        "UPSTREAM_FORMAT",
        "UPSTREAM_URL",
    ):
        assert name in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[app:main]\nidle_time_out = 3\n", "wsgi.ini [app:main] idle_time_out is unknown (is idle_timeout meant?)"),
        ("[app:main]\nidle_timeout = x\n", "wsgi.ini [app:main] idle_timeout must be a number"),
        ("[app:main]\nkeys = a\n", "CONVERT_KEYS"),
        ("[upstream:x]\nurl = https://x.com\napi_key = sk-sekret\n", "use UPSTREAM_X_API_KEY or api_key_env"),
        ("[upstream:x]\nurl = https://x.com\ncolour = red\n", "wsgi.ini [upstream:x] colour is unknown"),
        ("[upstream:x]\nmodel = m\n", "has no url (UPSTREAM_X_URL)"),
        ("[upstream:x]\n", "'x' has no url"),
        ("[upstream:X Y]\nurl = https://x.com\n", "wsgi.ini [upstream:X Y]"),
        ("[upstreams]\n", "wsgi.ini [upstreams] is an unknown section"),
        ("[app:main]\nstrict = 1\nstrict = 1\n", "wsgi.ini cannot be read"),
        ("[app:main\n", "wsgi.ini cannot be read"),
        ("[upstream:a]\nurl=http://a\ndefault=1\n[upstream:b]\nurl=http://b\ndefault=1\n", "marked default: a, b"),
        ("[upstream:a]\nurl=http://a\npath_prefix=p\n[upstream:b]\nurl=http://b\npath_prefix=/p/\n", "a and b"),
        ("[upstream:a-b]\nurl=http://a\n[upstream:a_b]\nurl=http://b\n", "differ only in"),
    ],
)
def test_faults_in_the_file(tmp_path: Path, text: str, said: str) -> None:
    message = file_fault(tmp_path, text)
    assert said in message
    assert "sekret" not in message


def test_sections_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    text = (
        "[DEFAULT]\na = %(b)s\n[server:main]\nuse = egg:gunicorn\n[loggers]\nkeys = root\n[logger_root]\nlevel = INFO\n"
    )
    assert from_file(tmp_path, text) == load(None, {})


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    assert load(tmp_path / "none.ini", {}) == load(None, {})
    assert "CONVERT_INI" in fault({"CONVERT_INI": "none.ini"}, tmp_path / "none.ini")


def test_no_secret_is_in_a_repr() -> None:
    settings = load(None, {"CONVERT_KEYS": "sekret-1", "UPSTREAM_URL": "https://x.com", "UPSTREAM_API_KEY": "sekret-2"})
    assert "sekret" not in repr(settings)


def test_only_names_without_wildcards_are_listed() -> None:
    assert Upstream("x", "https://x.com", models=("a", "b-*", "c?", "[d]", "a"), model="e").listed == ["a", "e"]
    assert Upstream("x", "https://x.com").listed == []
