-- a million runs of two hundred flows; ids grow with time, nine hundred and fifty of a thousand went well
INSERT INTO active_data_flow_dataflow (name, description, enabled, reference, configuration, cron, time_zone, queue,
    priority, concurrency_group, concurrency, max_attempts, backoff, max_backoff, busy, code_missing, claim_version,
    losses, last_status, last_error, created_at, updated_at)
SELECT 'flow' || n, '', true, '', '{}', '', 'UTC', 'default', 0, '', 1, 3, 30, 3600, false, false, 0, 0, 'success', '',
    now(), now()
FROM generate_series(1, 200) n;

INSERT INTO active_data_flow_dataflowrun (flow_id, run_id, status, reason, trigger, created_at, started_at, ended_at,
    attempt, max_attempts, fence, lease_owner, stop_requested, records_read, records_written, records_rejected,
    bytes_read, result, error_type, error, traceback, queue, priority, task_id)
SELECT (SELECT min(id) FROM active_data_flow_dataflow) + n % 200, 'run' || n,
    CASE WHEN n > 999980 THEN 'in_progress' WHEN n % 1000 < 950 THEN 'success' ELSE 'failed' END,
    CASE WHEN n % 1000 < 950 THEN '' WHEN n % 1000 = 999 THEN 'lost' ELSE 'error' END,
    CASE WHEN n % 5000 = 7 THEN 'api' ELSE 'schedule' END,
    now() - (1000000 - n) * interval '8 seconds', now(), now(), 1, 3, n, '', '', 1000, 1000, 0, 100000,
    '{"checkpoints": 3}', CASE WHEN n % 1000 < 950 THEN '' ELSE 'SourceError' END,
    CASE WHEN n % 1000 < 950 THEN '' ELSE 'connection to host ' || n % 977 || ' was lost: ' || repeat('x', 200) END,
    '', 'default', 0, ''
FROM generate_series(1, 1000000) n;

INSERT INTO active_data_flow_runlogline (run_id, at, level, text, values)
SELECT (SELECT max(id) FROM active_data_flow_dataflowrun), now(), 'info', 'line ' || n, '{}'
FROM generate_series(1, 1000) n;

INSERT INTO active_data_flow_pipeline (name, flow_name, epoch, fence) VALUES ('flow1', 'flow1', 1, 0);

INSERT INTO active_data_flow_rejectedrecord (pipeline_id, run_id, flow_version, split_id, split_key, sequence, status,
    at, record, error, error_type, stage, position, passed)
SELECT (SELECT id FROM active_data_flow_pipeline), 'run1', '1', 's', 'k', 1, 'open', now(), '{"a": 1}',
    'price is no number', 'RecordError', 'read', 'null', 0
FROM generate_series(1, 20000) n;

INSERT INTO active_data_flow_auditentry (at, actor, action, target, details)
SELECT now(), 'token a', 'run.requested', 'run run' || n, '{}'
FROM generate_series(1, 100000) n;

ANALYZE;
