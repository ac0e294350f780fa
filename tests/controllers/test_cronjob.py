from __future__ import annotations

from datetime import UTC, datetime

import pytest

from k8slab.controllers.cronjob.schedule import Schedule
from tests.controllers.lab import Lab


def times(text: str, start: str, count: int, zone: str | None = None) -> list[str]:
    schedule, moment, found = Schedule(text, zone), int(datetime.fromisoformat(start).timestamp()), []
    for _ in range(count):
        moment = schedule.next(moment)
        found.append(datetime.fromtimestamp(moment, UTC).strftime("%m-%d %H:%M"))
    return found


def test_schedules():
    start = "2026-01-01T00:00:00+00:00"
    assert times("*/15 * * * *", start, 3) == ["01-01 00:15", "01-01 00:30", "01-01 00:45"]
    assert times("0 9 * * mon-fri", start, 3) == ["01-01 09:00", "01-02 09:00", "01-05 09:00"]
    assert times("30 4 1,15 * *", start, 2) == ["01-01 04:30", "01-15 04:30"]
    assert times("0 0 13 * fri", start, 3) == ["01-02 00:00", "01-09 00:00", "01-13 00:00"]
    assert times("0 0 29 2 *", start, 1) == ["02-29 00:00"]
    assert times("@hourly", start, 2) == ["01-01 01:00", "01-01 02:00"]
    assert times("0 9 * * *", start, 1, "America/New_York") == ["01-01 14:00"]


@pytest.mark.parametrize("text", ["* * * *", "61 * * * *", "a * * * *", "5-1 * * * *", "*/0 * * * *"])
def test_unreadable_schedules(text):
    with pytest.raises(ValueError):
        Schedule(text)


def cron(lab: Lab, run: str = "5", **spec) -> None:
    template = {
        "metadata": {"annotations": {"fake/run": run}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "app:1"}]},
    }
    spec = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}, **spec}
    lab.apply("CronJob", "tick", spec, api="batch/v1")


def jobs(lab: Lab) -> list[str]:
    return [job.metadata.name for job in lab.client.list("jobs", "default").items]


def test_a_job_a_minute_and_only_three_are_kept():
    lab = Lab()
    cron(lab)
    lab.run(60 * 6 + 20)
    assert len(jobs(lab)) == 3
    assert lab.get("cronjobs", "tick").status.lastScheduleTime == "2026-01-01T00:06:00Z"


def test_forbid_waits_and_replace_does_not():
    lab = Lab()
    cron(lab, run="90", concurrencyPolicy="Forbid")
    lab.run(60 * 2 + 10)
    assert len(jobs(lab)) == 1
    assert lab.events("JobAlreadyActive")
    lab = Lab()
    cron(lab, run="90", concurrencyPolicy="Replace")
    lab.run(60 * 2 + 10)
    assert len(jobs(lab)) == 1
    assert lab.events("SuccessfulDelete")


def test_after_a_long_pause_only_the_last_time_is_made_up_for():
    lab = Lab()
    cron(lab)
    lab.manager.crash()
    lab.run(60 * 10)
    lab.manager.start()
    lab.run(20)
    assert len(jobs(lab)) == 1


def test_without_history_a_finished_job_is_deleted_before_it_is_seen():
    lab = Lab()
    cron(lab, successfulJobsHistoryLimit=0)
    lab.run(60 + 20)
    assert jobs(lab) == []
    assert lab.events("SawCompletedJob") == []
    assert len(lab.events("SuccessfulDelete")) == 1
    assert lab.get("cronjobs", "tick").status.lastSuccessfulTime


def test_times_of_a_new_schedule_in_the_past_are_not_made_up_for():
    lab = Lab()
    cron(lab, schedule="0 0 1 1 *")
    lab.run(90)
    lab.client.patch("cronjobs", "tick", {"spec": {"schedule": "* * * * *"}}, "default")
    lab.run(10)
    assert jobs(lab) == []
    lab.run(30)
    assert len(jobs(lab)) == 1


def test_a_job_that_is_missing_is_noticed():
    lab = Lab()
    cron(lab, run="600")
    lab.run(60 + 10)
    lab.client.delete("jobs", jobs(lab)[0], "default", propagation_policy="Background")
    lab.run(5)
    assert len(lab.events("MissingJob")) == 1
    assert not lab.get("cronjobs", "tick").status.active
