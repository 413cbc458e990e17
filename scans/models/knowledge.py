"""What is known besides advisories: ratings, exploitation in the wild, ends of support."""

from django.db import models
from django.db.models import Q

from scans.models.advisories import Advisory, Vulnerability
from scans.models.feeds import Feed


class Rating(models.Model):
    """What one source says about how bad a vulnerability is. All of them are kept, also those that disagree."""

    vulnerability = models.ForeignKey(Vulnerability, on_delete=models.CASCADE, related_name="ratings")
    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="ratings")
    # Set where the rating stands in an advisory; null where a ratings file gives it.
    advisory = models.ForeignKey(Advisory, null=True, blank=True, on_delete=models.CASCADE, related_name="ratings")
    source = models.CharField(max_length=200)  # who rates
    cvss_version = models.CharField(max_length=8)
    vector = models.CharField(max_length=500)
    score = models.DecimalField(max_digits=3, decimal_places=1)
    severity = models.PositiveSmallIntegerField()  # scans.domain.severity.Severity

    class Meta:
        ordering = ["vulnerability", "-severity", "source", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(severity__gte=1, severity__lte=5), name="rating_severity_known"),
        ]


class KnownExploited(models.Model):
    """One entry of a catalogue of vulnerabilities that are used in attacks."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="exploited")
    vulnerability = models.ForeignKey(Vulnerability, on_delete=models.CASCADE, related_name="exploited_links")
    name = models.CharField(max_length=300, blank=True)
    added_on = models.DateField()
    due_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-added_on", "vulnerability"]
        verbose_name_plural = "known exploited"
        constraints = [
            models.UniqueConstraint(fields=["feed", "vulnerability"], name="known_exploited_once_per_feed"),
        ]


class EndOfLife(models.Model):
    """Until when one release of one product is supported."""

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="releases")
    product = models.CharField(max_length=100)
    cycle = models.CharField(max_length=100)
    eol = models.DateField(null=True, blank=True)
    eoes = models.DateField(null=True, blank=True)  # end of extended support, where there is one
    has_ended = models.BooleanField(default=False)  # stated as ended, without a day

    class Meta:
        ordering = ["product", "cycle"]
        verbose_name_plural = "ends of life"
        constraints = [
            models.UniqueConstraint(fields=["feed", "product", "cycle"], name="end_of_life_once_per_feed"),
        ]
        indexes = [models.Index(fields=["product", "cycle"], name="end_of_life_of_release")]

    def __str__(self) -> str:
        return f"{self.product} {self.cycle}"
