"""Rows through SQLAlchemy Core: python -m benchmarks.peers.sqlalchemy_rows insert|upsert URL CSV."""

import sys
import warnings

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from benchmarks.peers.rows import in_parts, read_rows
from benchmarks.schema import NAMES, SCHEMA_OPTIONS

TYPES = {
    "int64": sa.BigInteger(),
    "string": sa.Text(),
    "timestamp[us]": sa.DateTime(),
    "date": sa.Date(),
    "decimal(12,2)": sa.Numeric(12, 2),
    "float64": sa.Float(),
    "bool": sa.Boolean(),
}
MADE = sa.Table("made", sa.MetaData(), *(sa.Column(name, TYPES[kind]) for name, kind in SCHEMA_OPTIONS.items()))


def main(way: str, url: str, source: str) -> None:
    """Load."""
    warnings.simplefilter("ignore", sa.exc.SAWarning)  # decimals in SQLite
    statement = sa.insert(MADE) if way == "insert" else _upsert()
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for rows in in_parts(read_rows(source)):
            connection.execute(statement, [dict(zip(NAMES, row, strict=True)) for row in rows])


def _upsert() -> sa.Insert:
    insert = postgresql.insert(MADE)
    changed = {name: insert.excluded[name] for name in NAMES if name != "id"}
    return insert.on_conflict_do_update(index_elements=["id"], set_=changed)


main(*sys.argv[1:])
