"""Numbers of documents: one counter row per enterprise, series and period, taken in the last statement (N1)."""

from typing import Any

from .document import Series
from .identity import new_id
from .sql import Writing


def take_number(writing: Writing, series: Series, date: Any) -> str:
    """Add the taking of the next number to a statement.

    Returns the SQL expression that stands for the number in the same statement. Roll-back leaves no gap.
    """
    head, width = series.parts(date)
    writing.raw(
        "INSERT INTO kernel_counter (enterprise_id, id, series, period, n) VALUES (%s, %s, %s, %s, 1) "
        "ON CONFLICT (enterprise_id, series, period) DO UPDATE SET n = kernel_counter.n + 1 RETURNING "
        "%s::text || lpad(n::text, greatest(%s, length(n::text)), '0') AS number",
        [writing.enterprise_id, new_id(), series.pattern, head[-10:], head, width],
        name="taken",
    )
    return "(SELECT number FROM taken)"
