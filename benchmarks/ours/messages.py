"""A transform on messages: python -m benchmarks.ours.messages JOB ARROW_FILE; reading the file is not counted."""

import sys

from active_data_flow.core.batch import Batch
from active_data_flow.core.mapper import MessageMapper
from benchmarks.jobs import JOBS
from benchmarks.references.messages import batches_of
from benchmarks.taking import take, timed

batches = batches_of(sys.argv[2])
with timed():
    mapper = MessageMapper(JOBS[sys.argv[1]])
    take(mapper.map(Batch(batch, "split", 0)).data for batch in batches)
