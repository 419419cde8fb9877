"""`manage.py verify_ledger`: prove the laws of the books over all data. Prints nothing when all is well."""

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from tqdm import tqdm

from commerce.operations import checks
from inventory import seals


class Command(BaseCommand):
    help = "Prove that stock, holds, allocations, quotas and orders agree. Prints nothing and exits 0 when they do."
    requires_system_checks: list[str] = []  # those are about web pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--list", dest="is_list", action="store_true", help="print what is proven, and prove nothing"
        )
        parser.add_argument(
            "--since-proof",
            dest="is_fresh",
            action="store_true",
            help="of the journal prove only what came after the last seals: what is sealed was proven before",
        )
        parser.add_argument(
            "--seals",
            dest="is_about_seals",
            action="store_true",
            help="prove that nothing sealed was changed since, and print the newest seal's hash (alone, or with --since-proof)",
        )
        parser.add_argument(
            "--expect", default="", metavar="HASH", help="with --seals: a hash written down before must be in the chain"
        )

    def handle(
        self, *, is_list: bool, is_fresh: bool, is_about_seals: bool, expect: str, verbosity: int, **options: Any
    ) -> None:
        if is_list:
            for check in checks.registered():
                for name in check.names:
                    self.stdout.write(name)
            return
        findings: list[checks.Finding] = []
        with _Progress(verbosity) as progress:
            if is_about_seals or expect:
                findings += self._seals(expect, progress)
            if is_fresh or not (is_about_seals or expect):
                findings += checks.run(is_fresh=is_fresh, watch=progress.at)
        if findings:
            self.stdout.write(_table(findings))
            raise SystemExit(1)

    def _seals(self, expect: str, progress: "_Progress") -> list[checks.Finding]:
        findings = seals.verify(
            expect=expect.strip(), watch=lambda done, to_do: progress.at(checks.Step("seals", done, to_do))
        )
        newest = seals.newest()
        if newest is None:
            self.stdout.write("Nothing is sealed yet; `manage.py seal_journal` seals.")
        else:
            self.stdout.write(
                f"Newest seal: {newest.number} of {newest.sealed_at:%Y-%m-%d %H:%M:%S} UTC, hash {newest.hash}"
            )
        if waiting := seals.unsealed():
            self.stdout.write(f"{waiting:,} entries wait for their seal.")
        return findings


class _Progress:
    """What is being proven: on a terminal a bar with rate and remaining time, from `-v 2` on a line for each step."""

    def __init__(self, verbosity: int) -> None:
        self.is_told = verbosity > 1
        self.bar = tqdm(unit=" entries", unit_scale=True, disable=True if verbosity == 0 else None)
        self.started = monotonic()
        self.name = ""

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
        if self.is_told:
            tqdm.write(f"{monotonic() - self.started:8.2f} s  done", file=self.bar.fp)

    def at(self, step: checks.Step) -> None:
        """Show a step: how far the journal is read, or what else is asked."""
        if self.is_told and step.name != self.name:
            tqdm.write(f"{monotonic() - self.started:8.2f} s  {step.name}", file=self.bar.fp)
        self.name = step.name
        if step.all_rows:
            self.bar.total = step.all_rows
            self.bar.update(step.rows - self.bar.n)
        else:
            self.bar.set_description(step.name[:60], refresh=True)


def _table(findings: list[checks.Finding]) -> str:
    """Write findings as text, under the law that each breaks."""
    lines = []
    widths = [max(len(finding.what) for finding in findings), max(len(finding.expected) for finding in findings)]
    check = ""
    for finding in findings:
        if finding.check != check:
            check = finding.check
            lines += [check, f"  {'what'.ljust(widths[0])}  {'expected'.ljust(widths[1])}  found"]
        lines.append(f"  {finding.what.ljust(widths[0])}  {finding.expected.ljust(widths[1])}  {finding.found}")
    return "\n".join(lines)
