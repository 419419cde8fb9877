"""`manage.py verify_ledger`: prove the laws of the books over all data. Prints nothing when all is well."""

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from commerce.operations import checks


class Command(BaseCommand):
    help = "Prove that stock, holds, allocations, quotas and orders agree. Prints nothing and exits 0 when they do."
    requires_system_checks: list[str] = []  # those are about web pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="print what is proven, and prove nothing")

    def handle(self, *, list: bool, verbosity: int, **options: Any) -> None:
        if list:
            for check in checks.registered():
                for name in check.names:
                    self.stdout.write(name)
            return
        started = monotonic()

        def say(check: checks.Step) -> None:
            if verbosity > 1:
                self.stderr.write(f"{monotonic() - started:6.2f} s  {check.name}")

        findings = checks.run(watch=say)
        if verbosity > 1:
            self.stderr.write(f"{monotonic() - started:6.2f} s  done")
        if findings:
            self.stdout.write(_table(findings))
            raise SystemExit(1)


def _table(findings: list[checks.Finding]) -> str:
    """Write findings as text, under the law that each breaks."""
    lines: list[str] = []
    widths = [max(len(finding.what) for finding in findings), max(len(finding.expected) for finding in findings)]
    check = ""
    for finding in findings:
        if finding.check != check:
            check = finding.check
            lines += [check, f"  {'what'.ljust(widths[0])}  {'expected'.ljust(widths[1])}  found"]
        lines.append(f"  {finding.what.ljust(widths[0])}  {finding.expected.ljust(widths[1])}  {finding.found}")
    return "\n".join(lines)
