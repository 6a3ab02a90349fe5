"""Access tokens: who is let in, who is not and why, and what the file holds."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from experiments import access, cli
from experiments.access import AccessStore, Person, Role, TokenState
from experiments.access_file import AccessFile
from experiments.access_token import TOKEN, Token
from features.errors import AccessError, GlassError

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    return AccessStore(tmp_path)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs a command in this process; gives exit code, stdout and stderr."""

    def call(*words, folder=tmp_path):
        monkeypatch.setattr(sys, "argv", ["glassloop", "token", *words, "-c", str(folder)])
        code = None
        try:
            cli.main()
        except SystemExit as ended:
            code = ended.code
        told = capsys.readouterr()
        return code or 0, told.out, told.err

    return call


def other(character):
    return "A" if character != "A" else "B"


def test_a_token_names_its_person_and_role(store):
    text = store.add("Ana", Role.RECORD)
    assert store.person(text) == Person("Ana", Role.RECORD, Token.parse(text).id)
    assert store.person(f" {text}\n").name == "Ana"


def test_each_role_allows_what_those_before_it_may():
    allowed = {role: [needed.value for needed in Role if role.allows(needed)] for role in Role}
    assert allowed == {
        Role.READ: ["read"],
        Role.RECORD: ["read", "record"],
        Role.ADMIN: ["read", "record", "admin"],
    }


def test_a_token_is_an_id_and_43_random_characters(store):
    texts = [store.add("Ana", Role.READ) for _ in range(5)]
    assert all(TOKEN.fullmatch(text) and len(text) == 56 for text in texts)
    assert len({Token.parse(text).secret for text in texts}) == 5


def test_the_secret_of_a_token_is_not_in_its_repr():
    token = Token.new()
    assert token.secret not in repr(token)


@pytest.mark.parametrize("text", ["", "glt_", "x" * 56, "glt_1a2b3c4d_short", "glt_é"])
def test_what_is_no_token_is_refused_as_such(store, text):
    store.add("Ana", Role.READ)
    with pytest.raises(AccessError, match="an access token is glt_, 8 hexadecimal digits"):
        store.person(text)


def test_the_complaint_about_a_malformed_token_does_not_repeat_it(store):
    text = store.add("Ana", Role.READ) + "x"
    with pytest.raises(AccessError, match="got 57 characters that are none") as refused:
        store.person(text)
    assert Token.parse(text[:-1]).secret not in str(refused.value)


def test_unknown_id_and_wrong_secret_are_not_told_apart(store):
    text = store.add("Ana", Role.READ)
    token = Token.parse(text)
    strange = Token(f"{int(token.id, 16) ^ 1:08x}", token.secret)
    wrong = Token(token.id, token.secret[:-1] + other(token.secret[-1]))
    said = []
    for shown in (strange, wrong):
        with pytest.raises(AccessError, match="is not a token of this server") as refused:
            store.person(shown.text)
        said.append(str(refused.value).replace(shown.id, "ID"))
    assert said[0] == said[1]


@pytest.mark.parametrize("position", [13, 30, 55])
def test_a_secret_with_one_other_character_is_refused(store, position):
    text = store.add("Ana", Role.READ)
    tampered = text[:position] + other(text[position]) + text[position + 1 :]
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(tampered)


def test_a_token_of_another_store_is_refused(store, tmp_path):
    (tmp_path / "other").mkdir()
    foreign = AccessStore(tmp_path / "other").add("Ana", Role.ADMIN)
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(foreign)
    store.add("Ana", Role.ADMIN)
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(foreign)


def test_a_token_ends_when_its_days_are_over(store):
    text = store.add("Ana", Role.READ, days=1, now=NOON)
    assert store.person(text, now=LATER - timedelta(seconds=1)).name == "Ana"
    with pytest.raises(
        AccessError, match=r"of Ana expired on 2026-05-05 12:00 UTC; ask .* for a new one"
    ):
        store.person(text, now=LATER)
    with pytest.raises(AccessError, match="expired on 2026-05-05"):
        store.still_valid(Token.parse(text).id, now=LATER)
    assert store.has_tokens(now=NOON)
    assert not store.has_tokens(now=LATER)


def test_a_token_without_an_end_is_valid_for_ever(store):
    text = store.add("Ana", Role.READ, days=None, now=NOON)
    assert store.people()[0].expires is None
    assert store.person(text, now=NOON + timedelta(days=40_000)).name == "Ana"


def test_a_revoked_token_is_refused_at_once_and_for_sessions_too(store):
    text = store.add("Ana", Role.READ)
    token_id = Token.parse(text).id
    assert store.still_valid(token_id) == store.person(text)
    assert store.revoke(token_id, now=NOON) == 1
    for refused in (lambda: store.person(text), lambda: store.still_valid(token_id)):
        with pytest.raises(AccessError, match="of Ana was revoked on 2026-05-04; ask"):
            refused()
    assert not store.has_tokens()


@pytest.mark.parametrize("end", ["revoked", "expired"])
def test_nobody_learns_of_an_ended_token_without_its_secret(store, end):
    text = store.add("Ana", Role.READ, days=1, now=NOON)
    if end == "revoked":
        store.revoke("Ana", now=NOON)
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(text[:-1] + other(text[-1]), now=LATER)


def test_a_session_of_an_unknown_token_is_refused(store):
    store.add("Ana", Role.READ)
    with pytest.raises(AccessError, match="00000000x is not a token of this server"):
        store.still_valid("00000000x")


def test_revoking_a_name_ends_all_its_tokens_and_no_others(store):
    texts = [store.add(name, Role.READ) for name in ("Ana", "Ben", "Ana")]
    assert store.revoke("Ana") == 2
    assert store.revoke("Ana") == 0
    assert [info.state() for info in store.people()] == ["revoked", "valid", "revoked"]
    assert store.person(texts[1]).name == "Ben"


def test_a_token_that_was_found_somewhere_can_be_revoked_whole(store):
    text, _ = store.add("Ana", Role.READ), store.add("Ana", Role.READ)
    assert store.revoke(text) == 1
    assert [info.state() for info in store.people()] == ["revoked", "valid"]


def test_revoking_whom_nobody_knows_is_a_mistake(store):
    with pytest.raises(AccessError, match="no token was made yet"):
        store.revoke("Ana")
    store.add("Ana", Role.READ)
    with pytest.raises(AccessError, match="no token has the id or the name 'Ben'"):
        store.revoke("Ben")


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 61, "a\nb", "a\x1b[31mb", "a\u202eb", "\x00"], ids=ascii
)
def test_a_name_that_cannot_be_printed_in_a_line_is_refused(store, name):
    with pytest.raises(AccessError, match="must be 1 to 60 printable characters"):
        store.add(name, Role.READ)
    assert not store.exists


def test_one_name_has_one_spelling(store):
    store.add(" Zoe\u0308 ", Role.READ)
    assert store.people()[0].name == "Zo\u00eb"
    assert store.revoke("Zoe\u0308") == 1


@pytest.mark.parametrize("days", [0, -1, 3651, 10**12])
def test_a_token_for_no_time_or_too_long_is_refused(store, days):
    with pytest.raises(AccessError, match=rf"valid for 1 to 3650 days, got {days}"):
        store.add("Ana", Role.READ, days=days)


def test_two_tokens_never_share_an_id(store, monkeypatch):
    first = Token.parse(store.add("Ana", Role.READ))
    drawn = [Token(first.id, "x" * 43), Token("0123abcd", "x" * 43)]
    monkeypatch.setattr(access.Token, "new", lambda: drawn.pop(0))
    assert Token.parse(store.add("Ben", Role.READ)).id == "0123abcd"
    assert store.person(first.text).name == "Ana"


def test_people_are_listed_with_what_is_known_of_them(store):
    text = store.add("Ana", Role.RECORD, days=90, now=NOON)
    store.add("Ben", Role.ADMIN, days=None, now=LATER)
    ana, ben = store.people()
    assert (ana.id, ana.name, ana.role) == (Token.parse(text).id, "Ana", Role.RECORD)
    assert (ana.created, ana.expires) == (NOON, NOON + timedelta(days=90))
    assert (ana.revoked, ana.last_used) == (None, None)
    assert (ben.name, ben.role, ben.expires) == ("Ben", Role.ADMIN, None)
    assert ana.state(NOON) is TokenState.VALID


def test_the_day_of_use_is_written_once_a_day(store, monkeypatch):
    text = store.add("Ana", Role.READ, now=NOON)
    store.person(text, now=NOON)
    assert store.people()[0].last_used == date(2026, 5, 4)
    with monkeypatch.context() as patched:
        patched.setattr(store._file, "writing", lambda: pytest.fail("wrote again"))
        store.person(text, now=NOON + timedelta(hours=3))
        store.still_valid(Token.parse(text).id, now=NOON + timedelta(hours=4))
    store.still_valid(Token.parse(text).id, now=LATER)
    assert store.people()[0].last_used == date(2026, 5, 5)


def test_who_is_refused_leaves_no_day_of_use(store):
    text = store.add("Ana", Role.READ, now=NOON)
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(text[:-1] + other(text[-1]), now=NOON)
    assert store.people()[0].last_used is None


def test_a_day_of_use_that_cannot_be_written_locks_nobody_out(store, monkeypatch):
    monkeypatch.setattr("experiments.access_file.READ_TIMEOUT_S", 0.01)
    monkeypatch.setattr("experiments.access_file.BUSY_TIMEOUT_S", 0.01)
    text = store.add("Ana", Role.READ)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert store.person(text).name == "Ana"
        with pytest.raises(AccessError, match="another process is writing to it"):
            store.add("Ben", Role.READ)
        writer.execute("ROLLBACK")
    assert store.people()[0].last_used is None


def test_no_secret_is_anywhere_in_the_folder(store, tmp_path):
    texts = [store.add("Ana", Role.READ) for _ in range(3)]
    for text in texts:
        store.person(text)
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Ana" in held
    for text in texts:
        token = Token.parse(text)
        assert token.secret.encode() not in held
        assert token.digest in held


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_owner_may_read_the_file_whatever_the_umask(store):
    before = os.umask(0)
    try:
        store.add("Ana", Role.READ)
    finally:
        os.umask(before)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_looking_makes_no_file(store):
    assert (store.exists, store.has_tokens(), store.people()) == (False, False, [])
    with pytest.raises(AccessError, match="is not a token of this server"):
        store.person(Token.new().text)
    with pytest.raises(AccessError, match="no token was made yet"):
        store.cookie_secret()
    assert not store.path.exists()


def test_the_cookie_secret_is_made_once_and_is_another_in_each_store(store, tmp_path):
    store.add("Ana", Role.READ)
    secret = store.cookie_secret()
    store.add("Ben", Role.READ)
    assert store.cookie_secret() == AccessStore(tmp_path).cookie_secret() == secret
    assert len(secret) == 32
    (tmp_path / "other").mkdir()
    another = AccessStore(tmp_path / "other")
    another.add("Ana", Role.READ)
    assert another.cookie_secret() != secret


def test_processes_that_add_at_once_lose_nothing(store, tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from experiments.access import AccessStore, Role\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "store = AccessStore(Path(sys.argv[1]))\n"
        "for _ in range(3):\n"
        "    print(store.add(sys.argv[2], Role.READ), flush=True)\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), f"P{number}"],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    texts = [text for process in started for text in process.communicate()[0].split()]
    assert [process.returncode for process in started] == [0] * 8
    assert len(texts) == 24
    assert {store.person(text).name for text in texts} == {f"P{number}" for number in range(8)}
    assert len(store.people()) == 24


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(AccessError, match="check that its folder exists"):
        AccessStore(tmp_path / "nowhere").add("Ana", Role.READ)


def looks(store):
    """Everything that reads the file."""
    text = Token.new().text
    return (store.people, store.has_tokens, store.cookie_secret, lambda: store.person(text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"these are no tokens, " * 100, r"access\.db: is damaged", id="no-database"),
        pytest.param(b"", r"access\.db: is empty, so it is not known who may come in", id="empty"),
    ],
)
def test_a_file_that_is_none_of_ours_is_not_taken_for_no_tokens(store, content, message):
    store.path.write_bytes(content)
    for look in looks(store):
        with pytest.raises(AccessError, match=message) as refused:
            look()
        assert "\n" not in str(refused.value)


def test_an_empty_file_that_a_killed_process_left_is_filled_by_the_next_token(store):
    store.path.touch()
    text = store.add("Ana", Role.READ)
    assert store.person(text).name == "Ana"


def test_damage_is_told_or_changes_nothing(store):
    for number in range(3):
        store.add(f"P{number}", Role.READ)
    sound = store.path.read_bytes()
    told = []
    for start in range(0, len(sound), 512):
        store.path.write_bytes(sound[:start] + b"\xa5" * 64 + sound[start + 64 :])
        for look in looks(store):
            try:
                look()
            except AccessError as error:
                told.append(str(error))
    assert all(sentence.isprintable() for sentence in told)
    assert sum("is damaged (" in sentence for sentence in told) >= 4


@pytest.mark.parametrize("byte", [b"\xd2", b"\n"], ids=["no-text", "line-end"])
def test_damage_in_the_name_of_a_table_is_one_clear_line(store, byte):
    store.add("Ana", Role.READ)
    sound = store.path.read_bytes()
    assert sound.count(b"tablesecretsecret") == 1  # its row in SQLite's list of tables
    broken = sound.replace(b"tablesecretsecret", b"table" + byte + b"ecretsecret")
    store.path.write_bytes(broken.replace(b"CREATE TABLE secret", b"CREATE TABLE (ecret"))
    with pytest.raises(AccessError, match=r"is damaged \(.*\); restore") as refused:
        store.people()
    assert str(refused.value).isprintable()


def test_a_role_nobody_knows_is_damage(store):
    store.add("Ana", Role.READ)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE token SET role = 'king'")
    with pytest.raises(AccessError, match=r"is damaged \(a token cannot be read\); restore"):
        store.people()


def test_a_database_of_something_else_is_left_alone(store):
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("CREATE TABLE token (id TEXT)")
    before = store.path.read_bytes()
    with pytest.raises(AccessError, match="is a database of something else"):
        store.add("Ana", Role.READ)
    with pytest.raises(AccessError, match="is a database of something else"):
        store.people()
    assert store.path.read_bytes() == before


def test_a_file_of_a_newer_glassloop_is_left_alone(store):
    store.add("Ana", Role.READ)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(AccessError, match=r"was written in form 2, .* upgrade glassloop"):
        store.people()


def delete_all_and_fail(file):
    with file.writing() as connection:
        connection.execute("DELETE FROM token")
        raise KeyError("of the caller")


def test_a_piece_of_writing_that_fails_midway_leaves_nothing(store):
    store.add("Ana", Role.READ)
    with pytest.raises(KeyError, match="of the caller"):
        delete_all_and_fail(AccessFile(store.path))
    assert [info.name for info in store.people()] == ["Ana"]
    assert store.add("Ben", Role.READ)


def test_a_writer_waits_before_it_looks_at_what_another_is_changing(store, monkeypatch):
    monkeypatch.setattr("experiments.access_file.BUSY_TIMEOUT_S", 0.01)
    store.add("Ana", Role.READ)
    file = AccessFile(store.path)
    with (
        file.writing(),
        pytest.raises(AccessError, match="another process is writing to it"),
        file.writing(),
    ):
        pytest.fail("two writers at once")


def test_an_access_error_is_a_users_mistake_and_a_permission_error():
    error = AccessError("one sentence")
    assert isinstance(error, GlassError)
    assert isinstance(error, PermissionError)
    assert str(error) == "one sentence"


def test_add_prints_the_token_once_and_warns_where_no_campaign_is(command, store, tmp_path):
    code, out, err = command("add", "Ana", "--role", "record", "--days", "90")
    assert code == 0
    (text,) = (word for word in out.split() if TOKEN.fullmatch(word))
    assert store.person(text).role is Role.RECORD
    assert "It is not shown again" in out
    assert f"warning: {tmp_path} is no campaign and holds none" in err
    info = store.people()[0]
    assert info.expires - info.created == timedelta(days=90)
    assert Token.parse(text).secret not in command("list")[1]


@pytest.mark.parametrize("place", ["campaign.yaml", "first/campaign.yaml"])
def test_add_is_quiet_beside_a_campaign_or_above_one(command, tmp_path, place):
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.touch()
    assert command("add", "Ana")[::2] == (0, "")


def test_add_gives_a_year_to_read_unless_told_otherwise(command, store):
    command("add", "Ana")
    command("add", "Ben", "--never-expires")
    ana, ben = store.people()
    assert (ana.role, ana.expires - ana.created) == (Role.READ, timedelta(days=365))
    assert ben.expires is None


def test_the_commands_speak_json(command, store):
    code, out, _ = command("add", "Ana", "--role", "admin", "--json")
    added = json.loads(out)
    assert code == 0
    assert store.person(added["token"]).token_id == added["id"]
    assert (added["name"], added["role"], added["state"]) == ("Ana", "admin", "valid")
    (listed,) = json.loads(command("list", "--json")[1])["tokens"]
    assert listed.keys() == added.keys() - {"token", "file"}
    assert listed["last_used"] == datetime.now(UTC).date().isoformat()
    assert json.loads(command("revoke", added["id"], "--json")[1]) == {"revoked": 1}
    (listed,) = json.loads(command("list", "--json")[1])["tokens"]
    assert listed["state"] == "revoked"


def test_list_shows_names_as_they_are_written(command, store):
    assert "no tokens yet" in command("list")[1]
    store.add("[red]Zoë[/red]", Role.READ)
    code, out, _ = command("list")
    assert code == 0
    assert "[red]Zoë[/red]" in out
    assert "valid" in out


def test_revoke_says_how_many(command, store):
    store.add("Ana", Role.READ)
    store.add("Ana", Role.READ)
    assert command("revoke", "Ana") == (0, "Revoked: 2 tokens.\n", "")
    assert command("revoke", "Ana") == (0, "Nothing to do: revoked before.\n", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("revoke", "Ben"), "no token has the id or the name 'Ben'", id="unknown"),
        pytest.param(("add", "a\tb"), "printable characters", id="name"),
        pytest.param(("add", "Ana", "--days", "0"), "1 to 3650 days, got 0", id="days"),
        pytest.param(
            ("add", "Ana", "--days", "9", "--never-expires"), "got --days 9 too", id="both"
        ),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_1(command, store, words, message):
    store.add("Ana", Role.READ)
    code, out, err = command(*words)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert len(store.people()) == 1


@pytest.mark.parametrize("name", ["add", "list", "revoke"])
def test_each_command_has_help_with_an_example_and_loads_nothing_heavy(name, tmp_path):
    code = (
        "import sys\n"
        "from experiments.cli import main\n"
        f"sys.argv = ['glassloop', 'token', {name!r}, '--help']\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code\n"
        "heavy = {'torch', 'mlflow', 'pandas', 'numpy', 'sqlalchemy', 'fastapi'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"Example: glassloop token {name}" in done.stdout
