"""All flights that left New York City in 2013, from monthly CSV files into SQLite."""

from __future__ import annotations

from datetime import datetime

from active_data_flow import DataFlow, ErrorPolicy, FileSource, Filter, Schema, Sql, SqlSink


class Flight(Schema):
    """A flight as the files have it; `NA` is null."""

    year: int
    month: int
    day: int
    dep_time: int | None
    sched_dep_time: int
    dep_delay: float | None
    arr_time: int | None
    sched_arr_time: int
    arr_delay: float | None
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    air_time: float | None
    distance: float
    hour: int
    minute: int
    time_hour: datetime


class Flights(DataFlow):
    """Flights that took off, with their speed and route."""

    source = FileSource(path="demo/data/flights-*.csv", null_values=["NA", ""])
    schema = Flight
    transforms = (
        Filter(where="dep_time is not null"),
        Sql(query="select *, distance / (air_time / 60.0) as miles_per_hour from batch"),
    )
    sink = SqlSink(url="sqlite:///demo/flights.db", table="flights")
    on_error = ErrorPolicy(reject=True, max_rejects=1000)

    def transform(self, flight: Flight) -> Flight:
        """One flight at a time, in plain Python."""
        flight["route"] = f"{flight['origin']}-{flight['dest']}"
        return flight
