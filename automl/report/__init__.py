"""A run as one HTML page that opens offline: a function of the files of the run directory.

The page is made of Jinja templates, which skrub already brings. Charts are SVG drawn here, made
interactive by a few lines of plain JavaScript: a charting library would be 1 to 4 MB of script
in every report, would show nothing without script, and would print badly.
"""

from automl.report.page import NAME, report_html, write_report

__all__ = ["NAME", "report_html", "write_report"]
