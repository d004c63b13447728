"""A table that does not fit, and a database that goes away: nothing is lost, doubled or half written."""

from __future__ import annotations

import time

import pytest

from flow_folder import TABLE

CONTENT = "id,name,amount\n1,a,10\n2,b,20\n3,c,30\n"
REJECT = {"on_error": {"reject": True}}


class TestATableThatDoesNotFit:
    """The same of each database: `target` has the sink and runs SQL."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def target(self, request, folder):
        return Sqlite(folder) if request.param == "sqlite" else Postgresql(request)

    def test_a_column_that_it_lacks_is_added(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT)")
        folder.put("in.csv", CONTENT).flow(None, target.sink).succeeds()
        assert target.rows() == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]

    def test_or_the_run_fails_where_the_contract_says_so(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT)")
        folder.put("in.csv", CONTENT).flow(None, target.sink, contract={"column": "fail"})
        folder.fails('table "t" has no column for amount; add it, or let the contract evolve columns')
        assert target.rows() == []
        target.execute("ALTER TABLE t ADD COLUMN amount BIGINT")
        folder.succeeds()
        assert target.rows() == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]

    def test_or_the_value_is_left_out_or_the_row_set_aside(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT)")
        folder.put("in.csv", "id,name,amount\n1,a,10\n2,b,\n")
        folder.flow(None, target.sink, contract={"column": "freeze"}, **REJECT).succeeds()
        assert target.rows() == [(2, "b")]
        (reject,) = folder.rejects()
        assert "no column amount" in reject["error"]
        folder.flow(None, target.sink, name="discard", contract={"column": "discard"}).succeeds()
        assert target.rows() == [(1, "a"), (2, "b"), (2, "b")]

    def test_a_column_that_must_have_a_value(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT, amount BIGINT, must TEXT NOT NULL)")
        folder.put("in.csv", CONTENT).flow(None, target.sink)
        folder.fails('table "t" needs a value for must, but the data has no such column; it has id, name, amount')
        assert target.rows() == []
        folder.flow(None, target.sink, transforms=[{"type": "sql", "query": "select *, 'x' as must from batch"}])
        folder.succeeds()
        assert target.rows() == [(1, "a", 10, "x"), (2, "b", 20, "x"), (3, "c", 30, "x")]

    def test_a_column_of_another_type(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name BIGINT, amount BIGINT)")
        folder.put("in.csv", CONTENT.replace("b", "7")).flow(None, target.sink)
        folder.fails("name: 'a' does not fit int64", "on_error: {reject: true}")
        assert target.rows() == []
        folder.flow(None, target.sink, **REJECT).succeeds()
        assert target.rows() == [(2, 7, 20)]
        rejects = folder.rejects()
        assert [(reject["field"], reject["stage"], reject["record"]["name"]) for reject in rejects] == [
            ("name", "write", "a"),
            ("name", "write", "c"),
        ]

    def test_a_number_that_is_too_large_for_its_column(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT, amount SMALLINT)")
        folder.put("in.csv", CONTENT.replace("20", "40000")).flow(None, target.sink, **REJECT).succeeds()
        if isinstance(target, Sqlite):  # which holds any number in a column of integers
            assert target.rows() == [(1, "a", 10), (2, "b", 40_000), (3, "c", 30)]
            return
        assert target.rows() == [(1, "a", 10), (3, "c", 30)]
        (reject,) = folder.rejects()
        assert (reject["field"], reject["record"]["amount"]) == ("amount", 40_000)

    def test_a_key_that_the_data_or_the_table_lacks(self, folder, target):
        target.execute("CREATE TABLE t (id BIGINT, name TEXT, amount BIGINT)")
        upsert = target.sink | {"mode": "upsert"}
        folder.put("in.csv", CONTENT).flow(None, upsert | {"unique_by": ["idd"]})
        folder.fails("the data has no column idd, which upsert needs; it has id, name, amount")
        folder.flow(None, upsert | {"unique_by": ["id"]}).fails("id", "unique")
        assert target.rows() == []
        target.execute("CREATE UNIQUE INDEX by_id ON t (id)")
        folder.succeeds()
        assert target.rows() == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]

    def test_a_table_that_is_not_to_be_made(self, folder, target):
        folder.put("in.csv", CONTENT).flow(None, target.sink, contract={"table": "fail"})
        folder.fails('table "t" does not exist', 'CREATE TABLE "t"')
        target.execute("CREATE TABLE t (id BIGINT, name TEXT, amount BIGINT)")
        folder.succeeds()
        assert target.rows() == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]


class Sqlite:
    def __init__(self, folder):
        self.folder, self.sink = folder, TABLE

    def execute(self, statement):
        self.folder.sql(statement)

    def rows(self):
        return self.folder.table()


class Postgresql:
    def __init__(self, request):
        self.server, url = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_url")
        self.sink, self.database = TABLE | {"url": url}, url.rpartition("/")[2]

    def execute(self, statement):
        self.server.run_sql(statement, self.database)

    def rows(self):
        return sorted(self.server.run_sql("SELECT * FROM t", self.database))


ROWS = 60_000


def wait_till(run, log, condition):
    end = time.monotonic() + 60
    while not condition():
        assert run.poll() is None, log.read_text()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def mortal(postgres, postgres_url):  # the database is dropped when the server is up again
    """The server; it runs again afterwards, however the test ends."""
    yield postgres
    if postgres.server.process is None:
        postgres.start()


class TestADatabaseThatGoesAway:
    def test_and_returns_while_it_is_written(self, folder, mortal, postgres_url):
        database = postgres_url.rpartition("/")[2]
        folder.put("in.csv", "id,name\n" + "".join(f"{number},name {number}\n" for number in range(ROWS)))
        folder.flow({"block_size": 4096}, TABLE | {"url": postgres_url}, checkpoint={"every": 0}, parallelism=2)
        mortal.run_sql("CREATE TABLE t (id BIGINT, name TEXT)", database)
        run = folder.begin("run", "flow.yaml", "--json")
        log = folder.path / "begun.txt"
        wait_till(run, log, lambda: mortal.run_sql("SELECT 1 FROM t LIMIT 1", database))
        mortal.kill()
        time.sleep(1)
        assert run.poll() is None, log.read_text()
        mortal.start()
        assert run.wait(90) == 0, log.read_text()
        assert "retrying" in log.read_text()
        assert mortal.run_sql("SELECT count(*), count(DISTINCT id), sum(id) FROM t", database) == [
            (ROWS, ROWS, ROWS * (ROWS - 1) // 2)
        ]
        assert folder.succeeds()["records_read"] == 0

    def test_and_returns_while_it_is_read(self, folder, mortal, postgres_url):
        database = postgres_url.rpartition("/")[2]
        mortal.run_sql("CREATE TABLE source (id BIGINT PRIMARY KEY, name TEXT)", database)
        mortal.run_sql(
            f"INSERT INTO source SELECT n, repeat('x', 1000) || n FROM generate_series(1, {ROWS}) n", database
        )
        folder.put(
            "flow.yaml",
            f"""
name: bad
source: {{type: sql, url: "{postgres_url}", table: source, batch_size: 500, rows_per_split: 20000}}
sink: {{type: sql, url: "sqlite:///out.db", table: t}}
checkpoint: {{every: 0}}
""",
        )
        run = folder.begin("run", "flow.yaml", "--json")
        log = folder.path / "begun.txt"
        wait_till(run, log, lambda: (folder.path / "out.db").exists() and folder.table("1")[:1])
        mortal.kill()
        time.sleep(1)
        assert run.poll() is None, log.read_text()
        mortal.start()
        assert run.wait(90) == 0, log.read_text()
        assert "retrying" in log.read_text()
        assert folder.table() == [(number, "x" * 1000 + str(number)) for number in range(1, ROWS + 1)]

    def test_and_stays_away(self, folder, mortal, postgres_url):
        folder.put("in.csv", CONTENT)
        folder.flow(None, TABLE | {"url": postgres_url}, retry={"attempts": 3, "backoff": 0.05})
        mortal.kill()
        outcome = folder.fails(f"{postgres_url} is not available", "see that the sink can be reached")
        assert outcome.json["retries"] == 2
        checked = folder.adf("check")
        assert (checked.code, "is not available" in checked.text) == (2, True)
        mortal.start()
        folder.succeeds()
        rows = mortal.run_sql("SELECT * FROM t ORDER BY id", postgres_url.rpartition("/")[2])
        assert rows == [(1, "a", 10), (2, "b", 20), (3, "c", 30)]

    def test_one_that_is_not_there_at_all_is_no_case_for_waiting(self, folder, postgres, postgres_url):
        folder.put("in.csv", CONTENT).flow(None, TABLE | {"url": postgres.url("nowhere")})
        assert folder.fails('database "nowhere" does not exist').json["retries"] == 0
