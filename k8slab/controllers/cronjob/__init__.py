"""CronJob: makes a Job at each of its times."""

from k8slab.controllers.cronjob.cronjob import CronJobController

__all__ = ["CronJobController"]
