"""The report of a run: one HTML page that opens offline, a function of its files.

The page is made with Jinja. Charts are SVG, with a few lines of plain
JavaScript for interaction: a charting library would add 1 to 4 MB of script to every report, would
show nothing without script, and would print badly.
"""

from automl.report.page import NAME, report_html, write_report

__all__ = ["NAME", "report_html", "write_report"]
