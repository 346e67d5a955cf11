"""Kinds of field. A kind is a column, how a value is read from input, and what the console must know.

Every kind takes `label` (English, wrapped for translation) and the keywords of `Kind`. `parse` turns a JSON value
into the Python value or raises `BadValue` with a sentence for the user. Money and quantity are exact decimals;
nothing is rounded on entry: more decimals than the scale are refused.
"""

from .choices import Boolean, Choice, State, Tags
from .dates import Date, Moment, moment_text
from .keys import Identifier, TenantColumn
from .kind import BadValue, Kind
from .numbers import (
    Amount,
    DerivedAmount,
    DerivedQty,
    Done,
    Integer,
    Number,
    Price,
    Qty,
    Rate,
    trimmed,
)
from .reasons import Reason
from .references import Parent, Ref, uuid_or_none
from .schema import constrain, constraint_name, index_of, plain_clone
from .texts import Code, LongText, Phone, Text, Told, normal_code, require_storable

AnyKind = Kind | Ref

__all__ = [
    "Amount",
    "AnyKind",
    "BadValue",
    "Boolean",
    "Choice",
    "Code",
    "Date",
    "DerivedAmount",
    "DerivedQty",
    "Done",
    "Identifier",
    "Integer",
    "Kind",
    "LongText",
    "Moment",
    "Number",
    "Parent",
    "Phone",
    "Price",
    "Qty",
    "Rate",
    "Reason",
    "Ref",
    "State",
    "Tags",
    "TenantColumn",
    "Text",
    "Told",
    "constrain",
    "constraint_name",
    "index_of",
    "moment_text",
    "normal_code",
    "plain_clone",
    "require_storable",
    "trimmed",
    "uuid_or_none",
]
