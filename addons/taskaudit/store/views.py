"""The views `jobs` and `findings`: the rows of `taskaudit jobs` and `taskaudit findings`, in SQL.

The rules on more than one exchange (TA204, TA501 to TA507) are judged anew over all that was loaded, as the
commands do (`taskaudit.lifecycle`): a log alone may lack what another has. The tests hold these views to the
commands, row by row. One thing differs: the commands remember so many jobs at once (`remembered_jobs`), a
view all of them.

The SQL is the same on both databases but for what stands in `_DIALECTS`. Where a name ends in `_n` it is the
number of an exchange in the order of the story.
"""

from __future__ import annotations

from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507
from taskaudit.lifecycle import TOO_CLOSE_IN_A_ROW

VIEWS = ("jobs", "findings")

POINTERS = {
    TA204.code: "/job_id",
    TA501.code: "/job_id",
    TA502.code: "",
    TA503.code: "",
    TA504.code: "",
    TA505.code: "",
    TA506.code: "/job_id",
    TA507.code: "",
}
"""Where a finding of each rule on more than one exchange points."""

_DIALECTS = {
    "postgresql": {
        "joined": "string_agg(rule, ' ')",
        "each": "CROSS JOIN LATERAL unnest(string_to_array(told.rules, ' ')) AS each (value)",
    },
    "sqlite": {
        "joined": "group_concat(rule, ' ')",
        "each": """CROSS JOIN json_each('["' || replace(told.rules, ' ', '","') || '"]') AS each""",
    },
}

_TOLD = """
-- When the latest record was written, and whether every session has stopped.
run AS (
    SELECT MAX(last) AS last, MIN(is_stopped) AS is_over
    FROM (
        SELECT session_id, MAX(at) AS last,
            MAX(CASE WHEN event_type = 'session' AND status = 'stop' THEN 1 ELSE 0 END) AS is_stopped
        FROM (
            SELECT session_id, at, event_type, status FROM records
            UNION ALL SELECT session_id, at, event_type, status FROM doubles
        ) AS every_record
        GROUP BY session_id
    ) AS sessions
),
-- Each exchange once, numbered in the order of the story.
told AS (
    SELECT seen.*, ROW_NUMBER() OVER (ORDER BY at, is_query, is_final, seq, exchange_id) AS n
    FROM (
        SELECT every_exchange.*, ROW_NUMBER() OVER (
            PARTITION BY exchange_id
            ORDER BY CASE WHEN event_type = 'unaudited' THEN 1 ELSE 0 END, instance_id, seq
        ) AS preference
        FROM (
            {exchanges_of_records}
            UNION ALL {exchanges_of_doubles}
        ) AS every_exchange
    ) AS seen
    WHERE preference = 1
),
-- Each exchange of a job, with what is known of the job. A response without its request has no client and no
-- "next": no life starts with it.
lives AS (
    SELECT told.*,
        MIN(n) OVER job AS seen_n,
        MIN(CASE WHEN NOT is_query THEN n END) OVER job AS submission_n,
        MIN(CASE WHEN NOT is_query AND method IS NOT NULL THEN n END) OVER job AS start_n,
        MIN(CASE WHEN is_query THEN n END) OVER job AS first_n,
        MIN(CASE WHEN is_query THEN at END) OVER job AS first_at,
        MAX(CASE WHEN is_query THEN n END) OVER job AS last_n,
        MIN(CASE WHEN is_final THEN n END) OVER job AS end_n,
        MIN(CASE WHEN is_final AND status IS NOT NULL THEN n END) OVER job AS final_n,
        MAX(CASE WHEN status IS NOT NULL THEN n END) OVER job AS status_n,
        CASE WHEN at - LAG(at) OVER (PARTITION BY job_id, is_query ORDER BY n) < min_interval
            THEN 0 ELSE 1 END AS is_apart
    FROM told
    CROSS JOIN taskaudit_store
    WHERE has_job AND NOT (is_query AND is_placeholder)
    WINDOW job AS (PARTITION BY job_id)
),
rows_of_close AS (
    SELECT lives.*,
        MAX(CASE WHEN n = final_n THEN COALESCE(shown, status) END) OVER job AS final_shown,
        MAX(CASE WHEN n = status_n THEN COALESCE(shown, status) END) OVER job AS last_shown,
        SUM(is_apart) OVER (PARTITION BY job_id, is_query ORDER BY n) AS row_of_close
    FROM lives
    WINDOW job AS (PARTITION BY job_id)
),
followed AS (
    SELECT rows_of_close.*,
        ROW_NUMBER() OVER (PARTITION BY job_id, is_query, row_of_close ORDER BY n) - 1 AS too_close
    FROM rows_of_close
),
-- From when to when the same request is a submission too many.
openings AS (
    SELECT repeat_key, COALESCE(shown, job_id) AS shown, n, final_n
    FROM followed
    WHERE n = start_n AND repeat_key IS NOT NULL AND (final_n IS NULL OR final_n > n)
),
repeats AS (
    SELECT changes.*, SUM(change) OVER (
        PARTITION BY repeat_key ORDER BY n, is_submission DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS still_open
    FROM (
        SELECT {on}, has_job, 1 AS is_submission, 0 AS change
        FROM told
        WHERE NOT is_query AND method IS NOT NULL AND repeat_key IS NOT NULL
        UNION ALL
        SELECT n, NULL, NULL, NULL, NULL, NULL, NULL, repeat_key, NULL, 0, 1 FROM openings
        UNION ALL
        SELECT final_n, NULL, NULL, NULL, NULL, NULL, NULL, repeat_key, NULL, 0, -1 FROM openings
        WHERE final_n IS NOT NULL
    ) AS changes
),
-- The findings of the rules on more than one exchange.
late AS (
    SELECT {on}, '{TA204}' AS rule, 'a new job id' AS expected, 'String that was answered before' AS found
    FROM followed
    WHERE NOT is_query AND method IS NOT NULL AND n > start_n
    UNION ALL
    SELECT {on}, '{TA501}',
        'a query of the job''s status within ' || query_within_text || ' s, or by the end', 'no query'
    FROM followed
    CROSS JOIN run
    CROSS JOIN taskaudit_store
    WHERE n = start_n AND (
        (first_n IS NULL AND (at + query_within < run.last OR run.is_over = 1))
        OR (first_n > n AND at + query_within < first_at)
    )
    UNION ALL
    SELECT n, NULL, at, timestamp, exchange_id, method, operation, repeat_key, '{TA502}', 'the id of a job',
        CASE WHEN has_job AND job_id <> '' THEN '"' || COALESCE(shown, job_id) || '"' ELSE 'an empty id' END
    FROM told
    WHERE is_query AND is_placeholder
    UNION ALL
    SELECT {on}, '{TA503}', 'the id of a job seen here', 'an id that no submission returned'
    FROM followed
    WHERE is_query AND (start_n IS NULL OR start_n > n)
    UNION ALL
    SELECT {on}, '{TA504}', min_interval_text || ' s between queries',
        CAST(too_close AS TEXT) || ' queries in a row closer together'
    FROM followed
    CROSS JOIN taskaudit_store
    WHERE is_query AND too_close > {too_close}
    UNION ALL
    SELECT {on}, '{TA505}', 'no query after the end', 'a query after "' || final_shown || '"'
    FROM followed
    WHERE is_query AND n > final_n
    UNION ALL
    SELECT {on}, '{TA506}', 'a final status',
        CASE WHEN status_n IS NULL THEN 'no status seen' ELSE 'last status "' || last_shown || '"' END
    FROM followed
    CROSS JOIN run
    WHERE run.is_over = 1 AND n = start_n AND first_n IS NOT NULL AND final_n IS NULL
    UNION ALL
    -- Of which job is told with the example alone.
    SELECT n, CASE WHEN has_job THEN job_id END, at, timestamp, exchange_id, method, operation, repeat_key,
        '{TA507}', 'each task submitted once', NULL
    FROM repeats
    WHERE is_submission = 1 AND still_open > 0
)"""

_ON = "n, job_id, at, timestamp, exchange_id, method, operation, repeat_key"
"""What is kept of the exchange that a finding is on."""

_EXCHANGES = """SELECT event_type, timestamp, at, instance_id, seq, exchange_id, request_id, client, method,
                host, path, route, http_status, operation, job_id, has_job, is_query, is_placeholder,
                repeat_key, status, is_final, error_code, fail_reason, rules, shown
            FROM {table} WHERE event_type IN ('submission', 'job_query', 'unaudited')"""

_JOBS = """WITH {told},
ruled AS (
    SELECT job_id, MIN(rules) AS rules
    FROM (
        SELECT job_id, {joined} OVER (
            PARTITION BY job_id ORDER BY rule ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
        ) AS rules
        FROM (
            SELECT told.job_id, each.value AS rule
            FROM followed AS told {each}
            WHERE told.rules <> ''
            UNION
            SELECT followed.job_id, records.rule
            FROM records
            JOIN followed ON followed.exchange_id = records.exchange_id
            WHERE records.event_type = 'finding' AND records.rule NOT IN ({late_rules})
            UNION
            SELECT job_id, rule FROM late WHERE job_id IS NOT NULL
        ) AS each_once
    ) AS joined
    GROUP BY job_id
),
drafts AS (
    SELECT job_id, MIN(seen_n) AS seen_n,
        {submission},
        SUM(CASE WHEN is_query THEN 1 ELSE 0 END) AS queries,
        MAX(CASE WHEN n = COALESCE(end_n, status_n) THEN status END) AS last_status,
        MAX(end_n) AS end_n,
        MAX(CASE WHEN n = submission_n THEN at END) AS submitted_at,
        MAX(CASE WHEN n = end_n THEN at END) AS ended_at,
        MAX(CASE WHEN n = end_n THEN timestamp END) AS ended,
        MAX(CASE WHEN n = COALESCE(end_n, last_n) THEN error_code END) AS error_code,
        MAX(CASE WHEN n = COALESCE(end_n, last_n) THEN fail_reason END) AS fail_reason
    FROM followed
    GROUP BY job_id
)
SELECT timestamp AS submitted, drafts.job_id, route, method, host, path, http_status, client, request_id,
    instance_id AS instance, queries, last_status,
    CASE WHEN queries = 0 THEN 'never-queried'
        WHEN last_status IS NULL THEN 'lost'
        WHEN end_n IS NULL THEN 'open'
        WHEN UPPER(last_status) LIKE 'FAIL%' OR UPPER(last_status) LIKE 'ERROR%' THEN 'failed'
        ELSE 'final' END AS state,
    ended, ROUND((ended_at - submitted_at) * 1e6) / 1e6 AS took, error_code, fail_reason,
    COALESCE(ruled.rules, '') AS rules
FROM drafts
LEFT JOIN ruled ON ruled.job_id = drafts.job_id
ORDER BY seen_n"""

_FINDINGS = """WITH {told},
-- A finding follows its exchange in the log, unless that record was lost.
recorded AS (
    SELECT records.rule, rule_name AS name, severity, records.fingerprint, records.timestamp AS time,
        COUNT(*) OVER (PARTITION BY fingerprint) AS count,
        MAX(records.timestamp) OVER (PARTITION BY fingerprint) AS last,
        ROW_NUMBER() OVER (
            PARTITION BY fingerprint ORDER BY records.at, records.exchange_id, records.seq, record_id
        ) AS nth,
        pointer, expected, found, line_number AS line, column_number AS "column", told.n,
        records.method, records.host, records.path, records.route, records.http_status, records.request_id,
        records.instance_id
    FROM records
    LEFT JOIN told ON told.exchange_id = records.exchange_id
    WHERE records.event_type = 'finding' AND records.rule NOT IN ({late_rules})
),
judged AS (
    SELECT late.*, COALESCE(method, 'None') AS known_method,
        COUNT(*) OVER same AS count, MAX(timestamp) OVER same AS last,
        ROW_NUMBER() OVER (PARTITION BY rule, method, operation ORDER BY at, exchange_id) AS nth
    FROM late
    WINDOW same AS (PARTITION BY rule, method, operation)
),
examples AS (
    SELECT rule, name, severity, count, time, last, fingerprint, pointer, expected, found, line, "column", n,
        method, host, path, route, http_status, request_id, instance_id
    FROM recorded
    WHERE nth = 1
    UNION ALL
    SELECT judged.rule, known.name, known.severity, judged.count, judged.timestamp, judged.last,
        fingerprints.fingerprint, known.pointer, judged.expected,
        CASE WHEN judged.rule = '{TA507}' THEN 'the same request while job ' || (
            SELECT shown FROM openings
            WHERE openings.repeat_key = judged.repeat_key AND openings.n < judged.n
                AND (openings.final_n IS NULL OR openings.final_n > judged.n)
            ORDER BY openings.n DESC LIMIT 1
        ) || ' is not final' ELSE judged.found END,
        NULL, NULL, judged.n, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM judged
    JOIN ({known}) AS known ON known.rule = judged.rule
    LEFT JOIN fingerprints ON fingerprints.rule = judged.rule
        AND fingerprints.method = judged.known_method AND fingerprints.operation = judged.operation
    WHERE judged.nth = 1
)
SELECT examples.rule, examples.name, examples.severity, examples.count, examples.time AS first, examples.last,
    examples.fingerprint, examples.time AS example_time,
    {example},
    CASE WHEN told.has_job THEN told.job_id END AS example_job_id,
    CASE WHEN told.n IS NULL THEN examples.request_id ELSE told.request_id END AS example_request_id,
    COALESCE(told.instance_id, examples.instance_id) AS example_instance,
    examples.pointer AS example_pointer, examples.expected AS example_expected,
    examples.found AS example_found, examples.line AS example_line, examples."column" AS example_column
FROM examples
LEFT JOIN told ON told.n = examples.n
ORDER BY CASE examples.severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, examples.rule,
    examples.count DESC, examples.fingerprint"""

_RULES = (TA204, TA501, TA502, TA503, TA504, TA505, TA506, TA507)


def view_sql(name: str, dialect: str) -> str:
    """The SELECT of the view on `postgresql` or `sqlite`."""
    told = _TOLD.format(
        exchanges_of_records=_EXCHANGES.format(table="records"),
        exchanges_of_doubles=_EXCHANGES.format(table="doubles"),
        on=_ON,
        too_close=TOO_CLOSE_IN_A_ROW,
        **{rule.code: rule.code for rule in _RULES},
    )
    facts = {"told": told, "late_rules": _late_rules(), "known": _known(), "example": _example()}
    facts["submission"] = _submission()
    return {"jobs": _JOBS, "findings": _FINDINGS}[name].format(
        **facts, **_DIALECTS[dialect], TA507=TA507.code
    )


def _late_rules() -> str:
    return ", ".join(f"'{rule.code}'" for rule in _RULES)


def _known() -> str:
    """The rules on more than one exchange as rows."""
    return " UNION ALL ".join(
        f"SELECT '{rule.code}' AS rule, '{rule.name}' AS name, '{rule.severity}' AS severity, "
        f"'{POINTERS[rule.code]}' AS pointer"
        for rule in _RULES
    )


def _submission() -> str:
    """What a job has from its submission."""
    names = (
        "timestamp",
        "route",
        "method",
        "host",
        "path",
        "http_status",
        "client",
        "request_id",
        "instance_id",
    )
    return ", ".join(f"MAX(CASE WHEN n = submission_n THEN {name} END) AS {name}" for name in names)


def _example() -> str:
    """What an example tells of its exchange, or else of the finding's own header."""
    return ", ".join(
        f"CASE WHEN told.n IS NULL THEN examples.{name} ELSE told.{name} END AS example_{name}"
        for name in ("method", "host", "path", "route", "http_status")
    )
