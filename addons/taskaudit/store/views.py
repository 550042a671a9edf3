"""The views `jobs` and `findings`: the rows of `taskaudit jobs` and `taskaudit findings`, in SQL.

The tests hold these views to the commands, row by row. Two things differ: the commands remember so many jobs
at once (`remembered_jobs`), a view all of them; and of a configuration given to `taskaudit load` a view takes
the thresholds alone. So the findings that are judged anew (`taskaudit.store.judging`) have their rules' own
severities in a view, none is off, and none is waived. All others are as they were recorded.

The SQL is the same on both databases but for what stands in `_DIALECTS`.
"""

from __future__ import annotations

from taskaudit.contract.rules.lifecycle import TA501, TA507
from taskaudit.store.judging import JUDGED, POINTERS, story_sql

VIEWS = ("jobs", "findings")

_DIALECTS = {
    "postgresql": (
        "string_agg(rule, ' ')",
        "CROSS JOIN LATERAL unnest(string_to_array(told.{words}, ' ')) AS each (value)",
    ),
    "sqlite": (
        "group_concat(rule, ' ')",
        """CROSS JOIN json_each('["' || replace(told.{words}, ' ', '","') || '"]') AS each""",
    ),
}
"""How words are joined with blanks, and how each of them is had."""

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
        MIN(CASE WHEN is_query AND NOT by_resource THEN 0 WHEN is_query THEN 1 END) AS by_resource,
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
    CASE WHEN queries = 0 AND ruled.rules LIKE '%{never_queried}%' THEN 'never-queried'
        WHEN queries = 0 THEN 'not-asked-yet'
        WHEN by_resource = 1 THEN 'by-resource'
        WHEN last_status IS NULL THEN 'no-status'
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
        COUNT(waived_until) OVER (PARTITION BY fingerprint) AS waived,
        FIRST_VALUE(waived_until) OVER last_waived AS waived_until,
        FIRST_VALUE(waived_by) OVER last_waived AS waived_by,
        FIRST_VALUE(waived_why) OVER last_waived AS waived_why,
        pointer, expected, found, line_number AS line, column_number AS "column", told.n,
        records.method, records.host, records.path, records.route, records.http_status, records.request_id,
        records.instance_id
    FROM records
    LEFT JOIN told ON told.exchange_id = records.exchange_id
    WHERE records.event_type = 'finding' AND records.rule NOT IN ({late_rules})
    WINDOW last_waived AS (
        PARTITION BY fingerprint
        ORDER BY CASE WHEN waived_until IS NULL THEN 1 ELSE 0 END, records.at DESC, waived_until DESC,
            waived_by DESC, waived_why DESC
    )
),
judged AS (
    SELECT late.*, COALESCE(method, 'None') AS known_method,
        COUNT(*) OVER same AS count, MAX(timestamp) OVER same AS last,
        ROW_NUMBER() OVER (PARTITION BY rule, method, operation ORDER BY at, exchange_id) AS nth
    FROM late
    WINDOW same AS (PARTITION BY rule, method, operation)
),
examples AS (
    SELECT rule, name, severity, count, time, last, fingerprint, waived, waived_until, waived_by, waived_why,
        pointer, expected, found, line, "column", n, method, host, path, route, http_status, request_id,
        instance_id
    FROM recorded
    WHERE nth = 1
    UNION ALL
    SELECT judged.rule, known.name, COALESCE(judged.severity, known.severity), judged.count, judged.timestamp,
        judged.last,
        fingerprints.fingerprint, 0, NULL, NULL, NULL, known.pointer, judged.expected,
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
    examples.fingerprint, examples.waived, examples.waived_until, examples.waived_by, examples.waived_why,
    examples.time AS example_time,
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


def view_sql(name: str, dialect: str) -> str:
    """The SELECT of the view on `postgresql` or `sqlite`."""
    joined, each = _DIALECTS[dialect]
    return {"jobs": _JOBS, "findings": _FINDINGS}[name].format(
        told=story_sql(each.format(words="sub_job_ids")),
        never_queried=TA501.code,
        late_rules=_late_rules(),
        known=_known(),
        example=_example(),
        submission=_submission(),
        joined=joined,
        each=each.format(words="rules"),
        TA507=TA507.code,
    )


def _late_rules() -> str:
    return ", ".join(f"'{rule.code}'" for rule in JUDGED)


def _known() -> str:
    """The rules on more than one exchange as rows."""
    return " UNION ALL ".join(
        f"SELECT '{rule.code}' AS rule, '{rule.name}' AS name, '{rule.severity}' AS severity, "
        f"'{POINTERS[rule.code]}' AS pointer"
        for rule in JUDGED
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
