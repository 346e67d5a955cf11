"""Who is in the demonstration: three enterprises and ten people. Their accounts exist in a demonstration database only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Company:
    """One enterprise of the demonstration; its spreadsheets lie in samples/<code>."""

    code: str
    name: str


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. `employee` is the code in the enterprise's spreadsheet; the first role is what they are."""

    login: str
    password: str
    name: str
    company: str
    employee: str
    roles: tuple[str, ...]


QIMU = Company("QIMU", "杭州栖木家居有限公司")
HAIAN = Company("HAIAN", "宁波海岸家居有限公司")
LINCHUAN = Company("LINCHUAN", "嘉兴林川家具商行")
COMPANIES = (QIMU, HAIAN, LINCHUAN)

# The first of a company is its administrator.
PEOPLE = (
    Person("zhouyan", "maple-harbor-31", "周砚", "QIMU", "0001", ("admin",)),
    Person("hanyue", "river-lantern-58", "韩越", "QIMU", "Q002", ("store_manager",)),
    Person("shenpei", "copper-ledger-27", "沈佩", "QIMU", "Q003", ("finance",)),
    Person("luocheng", "timber-gate-64", "罗诚", "QIMU", "Q004", ("keeper",)),
    Person("fangning", "coast-window-19", "方宁", "HAIAN", "0001", ("admin", "store_manager")),
    Person("guyan", "linen-morning-42", "顾言", "HAIAN", "H002", ("guide",)),
    Person("jianghe", "paper-garden-73", "江禾", "HAIAN", "H003", ("designer",)),
    Person("luzhou", "walnut-bridge-86", "陆舟", "HAIAN", "H004", ("buyer", "keeper")),
    Person("hemiao", "silver-thread-95", "何苗", "HAIAN", "H005", ("service",)),
    Person("qinchuan", "willow-market-50", "秦川", "LINCHUAN", "0001", ("admin", "buyer")),
)
