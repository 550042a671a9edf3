"""The story in SQL: each exchange once, in order, and the findings of the rules on more than one exchange.

Those rules (TA204, TA501 to TA507) are judged anew over all that was loaded, as the commands do
(`taskaudit.lifecycle`): a log alone may lack what another has. Where a name ends in `_n` it is the number of
an exchange in the order of the story.
"""

from __future__ import annotations

from taskaudit.contract.rules.job_id import TA204
from taskaudit.contract.rules.lifecycle import TA501, TA502, TA503, TA504, TA505, TA506, TA507
from taskaudit.contract.verdict import Severity
from taskaudit.lifecycle import READ_AFTER_END, TOO_CLOSE, TOO_CLOSE_IN_A_ROW

JUDGED = (TA204, TA501, TA502, TA503, TA504, TA505, TA506, TA507)
"""The rules on more than one exchange."""

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

_ON = "n, job_id, at, timestamp, exchange_id, method, operation, repeat_key"
"""What is kept of the exchange that a finding is on."""

_EXCHANGES = """SELECT event_type, timestamp, at, instance_id, seq, exchange_id, request_id, client, method,
                host, path, route, http_status, operation, job_id, has_job, is_query, is_placeholder,
                repeat_key, status, is_final, error_code, fail_reason, rules, shown, sub_job_ids,
                COALESCE(has_query_route, TRUE) AS has_query_route,
                COALESCE(matched_by = 'resource', FALSE) AS by_resource
            FROM {table} WHERE event_type IN ('submission', 'job_query', 'unaudited')"""

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
        MAX(CASE WHEN is_query AND NOT by_resource THEN n END) OVER job AS last_n,
        MIN(CASE WHEN is_final THEN n END) OVER job AS end_n,
        MIN(CASE WHEN is_final AND status IS NOT NULL THEN n END) OVER job AS final_n,
        MAX(CASE WHEN status IS NOT NULL AND NOT by_resource THEN n END) OVER job AS status_n,
        CASE WHEN at - LAG(at) OVER (PARTITION BY job_id, is_query, by_resource ORDER BY n)
            < {too_close_part} * min_interval THEN 0 ELSE 1 END AS is_apart
    FROM told
    CROSS JOIN taskaudit_store
    WHERE has_job AND NOT (is_query AND is_placeholder)
    WINDOW job AS (PARTITION BY job_id)
),
rows_of_close AS (
    SELECT lives.*,
        MIN(CASE WHEN is_query AND (NOT by_resource OR n > start_n) THEN n END) OVER job AS first_n,
        MIN(CASE WHEN is_query AND (NOT by_resource OR n > start_n) THEN at END) OVER job AS first_at,
        MAX(CASE WHEN n = final_n THEN COALESCE(shown, status) END) OVER job AS final_shown,
        MAX(CASE WHEN n = status_n THEN COALESCE(shown, status) END) OVER job AS last_shown,
        SUM(is_apart) OVER (PARTITION BY job_id, is_query, by_resource ORDER BY n) AS row_of_close,
        SUM(CASE WHEN is_query AND NOT by_resource AND n > final_n THEN 1 ELSE 0 END)
            OVER (PARTITION BY job_id ORDER BY n) AS after_end
    FROM lives
    WINDOW job AS (PARTITION BY job_id)
),
followed AS (
    SELECT rows_of_close.*,
        ROW_NUMBER() OVER (
            PARTITION BY job_id, is_query, by_resource, row_of_close ORDER BY n
        ) - 1 AS too_close
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
-- Ids of sub-jobs, and when a status named them.
sub_jobs AS (
    SELECT each.value AS sub_job_id, MIN(n) AS n
    FROM told {each_sub_job}
    WHERE sub_job_ids <> '' AND NOT is_placeholder AND NOT by_resource
    GROUP BY each.value
),
-- The findings of the rules on more than one exchange.
late AS (
    SELECT {on}, '{TA204}' AS rule, 'a new job id' AS expected, 'String that was answered before' AS found,
        NULL AS severity
    FROM followed
    WHERE NOT is_query AND method IS NOT NULL AND n > start_n
    UNION ALL
    SELECT {on}, '{TA501}',
        'a query of the job''s status within ' || query_within_text || ' s, or by the end', 'no query',
        CASE WHEN NOT has_query_route THEN '{info}' END
    FROM followed
    CROSS JOIN run
    CROSS JOIN taskaudit_store
    WHERE n = start_n AND (
        (first_n IS NULL AND (at + query_within < run.last OR run.is_over = 1))
        OR (first_n > n AND at + query_within < first_at)
    )
    UNION ALL
    SELECT n, NULL, at, timestamp, exchange_id, method, operation, repeat_key, '{TA502}', 'the id of a job',
        CASE WHEN has_job AND job_id <> '' THEN '"' || COALESCE(shown, job_id) || '"' ELSE 'an empty id' END,
        NULL
    FROM told
    WHERE is_query AND is_placeholder
    UNION ALL
    SELECT {on}, '{TA503}', 'the id of a job seen here', 'an id that no submission returned', NULL
    FROM followed
    WHERE is_query AND NOT by_resource AND (start_n IS NULL OR start_n > n) AND NOT EXISTS (
        SELECT 1 FROM sub_jobs WHERE sub_jobs.sub_job_id = followed.job_id AND sub_jobs.n < followed.n
    )
    UNION ALL
    SELECT {on}, '{TA504}', min_interval_text || ' s between queries',
        CAST(too_close AS TEXT) || ' queries in a row closer together', NULL
    FROM followed
    CROSS JOIN taskaudit_store
    WHERE is_query AND NOT by_resource AND too_close > {too_close}
    UNION ALL
    SELECT {on}, '{TA505}', 'no query after the end', 'a query after "' || final_shown || '"', NULL
    FROM followed
    WHERE is_query AND NOT by_resource AND after_end > {read_after_end}
    UNION ALL
    SELECT {on}, '{TA506}', 'a final status', 'last status "' || last_shown || '"', NULL
    FROM followed
    CROSS JOIN run
    WHERE run.is_over = 1 AND n = start_n AND status_n IS NOT NULL AND final_n IS NULL
    UNION ALL
    -- Of which job is told with the example alone.
    SELECT n, CASE WHEN has_job THEN job_id END, at, timestamp, exchange_id, method, operation, repeat_key,
        '{TA507}', 'each task submitted once', NULL, NULL
    FROM repeats
    WHERE is_submission = 1 AND still_open > 0
)"""


def story_sql(each_sub_job: str) -> str:
    """What a SELECT begins with, behind WITH: `run`, `told`, `followed`, `openings` and `late`.

    `each_sub_job` joins `each`, whose `value` is one of the words of `told.sub_job_ids`.
    """
    return _TOLD.format(
        exchanges_of_records=_EXCHANGES.format(table="records"),
        exchanges_of_doubles=_EXCHANGES.format(table="doubles"),
        on=_ON,
        too_close=TOO_CLOSE_IN_A_ROW,
        too_close_part=TOO_CLOSE,
        read_after_end=READ_AFTER_END,
        info=Severity.INFO.value,
        each_sub_job=each_sub_job,
        **{rule.code: rule.code for rule in JUDGED},
    )
