"""Write the spreadsheets the demonstration is loaded from: `python samples/make.py`.

Everything follows from the lists and rules here and in `catalogue.py`; running it again changes nothing.
"""

import datetime as dt
import io
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import xlsxwriter
from catalogue import BRANDS, CATEGORIES, DEALER, UNITS, Product, ean13, products, whole

HERE = Path(__file__).parent
Row = Sequence[object]
Sheet = tuple[str, str, Iterable[Row]]

YES, NO = "是", "否"
PARTNER = "编码 名称 客户 供应商 等级 联系人 电话 地址 结算方式 信用额度"
PRODUCT = "编码 名称 规格 品牌 类别 基本单位 条码 销售状态 参考价 采购参考价 单位 折合基本单位数"
DEPARTMENT = "编码 名称 上级 类型 地址"
EMPLOYEE = "编码 名称 手机 部门 岗位 入职日期"
WAREHOUSE = "编码 名称 部门 地址 默认"
ACCOUNT = "编码 名称 类型 银行 账号"
CATEGORY = "编码 名称 上级"
UNIT = "编码 名称 小数位数"
BRAND = "编码 名称 备注"
POSITION = "编码 名称"
PRICE_LIST = (
    "编码 名称 类型 仅限往来单位 仅限等级 默认价目表 优先级 商品 单位 起订数量 单价 生效日期 失效日期"
)
OPENING = "仓库 商品 单位 数量 单位成本 库存状态"
DOWNLOAD = "上游编码 编码"

SPRING, YEAR_END = dt.date(2026, 3, 1), dt.date(2035, 12, 31)


def phone(number: int) -> str:
    """Make a telephone number that belongs to nobody: 139 0000 and four digits."""
    return f"1390000{number:04}"


# --- 栖木家居, the brand

QIMU_DEPARTMENTS = (
    ("00", "栖木家居", "", "办公部门", "杭州市余杭区良渚街道木作路 18 号"), ("10", "渠道销售部", "00", "办公部门", ""),
    ("11", "华东区", "10", "办公部门", ""), ("12", "华南区", "10", "办公部门", ""), ("20", "财务部", "00", "办公部门", ""),
    ("30", "仓储物流部", "00", "仓储部门", "杭州市余杭区仁和街道东塘路 6 号"), ("40", "客户服务部", "00", "办公部门", ""),
)  # fmt: skip
POSITIONS = (
    ("GM", "总经理"), ("SM", "店长"), ("GD", "导购员"), ("DS", "设计师"), ("FI", "会计"), ("CA", "出纳"), ("BU", "采购员"),
    ("KE", "仓管员"), ("CS", "客服"), ("AM", "区域经理"),
    ("SD", "销售总监"),
)  # fmt: skip
QIMU_EMPLOYEES = (
    ("0001", "周砚", 1, "00", "GM", "2018-03-05"), ("Q002", "韩越", 2, "00", "SD", "2019-06-17"),
    ("Q003", "沈佩", 3, "20", "FI", "2018-09-03"), ("Q004", "罗诚", 4, "30", "KE", "2020-02-24"),
    ("Q005", "白露", 5, "12", "AM", "2021-04-12"), ("Q006", "于小满", 6, "40", "CS", "2022-07-01"),
    ("Q007", "丁牧", 7, "30", "KE", "2023-03-20"), ("Q008", "谢筠", 8, "20", "CA", "2021-11-08"),
)  # fmt: skip
# Code, name, contact, address, credit limit.
QIMU_CUSTOMERS = (
    ("K001", "宁波海岸家居有限公司", "方宁", "宁波市鄞州区四明中路 999 号", 300_000),
    ("K002", "嘉兴林川家具商行", "秦川", "嘉兴市南湖区中环南路 620 号", 150_000),
    ("K003", "苏州一方居家居馆", "陆一方", "苏州市姑苏区三香路 718 号", 200_000),
    ("K004", "南京暖屿家居", "蒋暖", "南京市建邺区江东中路 235 号", 200_000),
    ("K005", "合肥木与生活馆", "唐穆", "合肥市蜀山区潜山路 190 号", 120_000),
    ("K006", "温州清栖家居", "叶清", "温州市鹿城区府东路 66 号", 120_000),
    ("K007", "绍兴越里家具店", "章越", "绍兴市越城区解放大道 308 号", 80_000),
    ("K008", "厦门南风软装", "林南风", "厦门市思明区湖滨南路 81 号", 100_000),
    ("K009", "福州榕下家居", "陈榕", "福州市鼓楼区五四路 128 号", 100_000),
    ("K010", "广州拾间生活", "梁拾", "广州市天河区体育东路 112 号", 150_000),
    ("K011", "长沙岳麓壹号样板房项目", "曾可", "长沙市岳麓区梅溪湖路 36 号", 500_000),
    ("K012", "杭州云舍酒店管理公司", "单宇", "杭州市西湖区文三路 259 号", 500_000),
    ("K013", "成都慢屋家居", "解晓", "成都市锦江区红星路 99 号", 100_000),
    ("K014", "武汉东湖家居体验馆", "查敏", "武汉市武昌区中北路 12 号", 100_000),
)  # fmt: skip
QIMU_SUPPLIERS = (
    ("G001", "临安青峰木业", "吴青峰", "杭州市临安区锦南街道竹林路 3 号"),
    ("G002", "海宁织里面料", "褚静", "嘉兴市海宁市许村镇布市路 20 号"),
    ("G003", "中山明渠灯饰配件", "冼明", "中山市古镇镇灯都路 8 号"),
    ("G004", "德清恒栈五金", "宋恒", "湖州市德清县武康街道五金路 15 号"),
    ("G005", "余姚松谷海绵", "翟松", "宁波市余姚市泗门镇工业园 7 号"),
)  # fmt: skip
QIMU_WAREHOUSES = (
    ("CP", "成品仓", "30", "杭州市余杭区仁和街道东塘路 6 号", YES), ("RZ", "软装仓", "30", "杭州市余杭区仁和街道东塘路 8 号", NO),
)  # fmt: skip
QIMU_ACCOUNTS = (
    ("XJ", "现金", "现金", "", ""), ("YH1", "基本户", "银行账号", "商业银行", "0000120000000001"), ("YH2", "货款户", "银行账号", "商业银行", "0000120000000002"),
)  # fmt: skip

# --- 海岸家居, a dealer with two stores

HAIAN_DEPARTMENTS = (
    ("00", "海岸家居", "", "办公部门", "宁波市鄞州区四明中路 999 号"), ("10", "鄞州店", "00", "店面", "宁波市鄞州区四明中路 999 号 2 楼"),
    ("20", "北仑店", "00", "店面", "宁波市北仑区中河路 388 号"), ("30", "中心仓", "00", "仓储部门", "宁波市鄞州区姜山镇仓储路 5 号"),
)  # fmt: skip
HAIAN_EMPLOYEES = (
    ("0001", "方宁", 101, "00", "GM", "2017-05-08"), ("H002", "顾言", 102, "10", "GD", "2020-08-17"),
    ("H003", "江禾", 103, "10", "DS", "2021-03-01"), ("H004", "陆舟", 104, "30", "BU", "2019-10-14"),
    ("H005", "何苗", 105, "00", "CS", "2022-02-21"), ("H006", "毛晓岚", 106, "20", "GD", "2023-06-05"),
    ("H007", "俞舟", 107, "20", "SM", "2018-12-03"), ("H008", "石磊", 108, "30", "KE", "2020-04-20"),
)  # fmt: skip
HAIAN_CUSTOMERS = (
    ("C001", "李知微", "鄞州区 湖畔花园 3 幢 1201"), ("C002", "王一诺", "鄞州区 东湖郡 12 幢 902"), ("C003", "陈望舒", "江北区 江湾府 5 幢 1703"),
    ("C004", "沈亦舟", "北仑区 海晏庭 8 幢 601"), ("C005", "吴子衿", "鄞州区 南苑小区 2 幢 403"), ("C006", "徐行之", "海曙区 天一名邸 6 幢 2101"),
    ("C007", "郑桐", "镇海区 九龙湖畔 16 幢"), ("C008", "杨汀", "北仑区 滨海一品 4 幢 1502"), ("C009", "蔡书宁", "鄞州区 明湖里 9 幢 802"),
    ("C010", "葛云舒", "奉化区 桃源居 11 幢 301"), ("C011", "曾晓单", "海曙区 月湖公馆 1 幢 1801"), ("C012", "尉迟安", "北仑区 凤凰城 7 幢 1104"),
    ("C013", "宁波岛屿咖啡馆", "江北区 老外滩 22 号"), ("C014", "北仑望海民宿", "北仑区 梅山湾 6 号"), ("C015", "胡桃里设计工作室", "鄞州区 和丰创意广场 3 号楼 510"),
    ("C016", "零售散客", ""),
)  # fmt: skip
HAIAN_SUPPLIERS = (
    ("S001", "杭州栖木家居有限公司", "韩越", "杭州市余杭区良渚街道木作路 18 号"),
    ("S002", "宁波甬顺五金", "贺顺", "宁波市海曙区环城西路 77 号"), ("S003", "慈溪净物养护", "岑净", "宁波市慈溪市三北大街 210 号"),
)  # fmt: skip
HAIAN_WAREHOUSES = (
    ("ZX", "中心仓", "30", "宁波市鄞州区姜山镇仓储路 5 号", YES), ("YZ", "鄞州店样品仓", "10", "宁波市鄞州区四明中路 999 号 2 楼", NO),
    ("BL", "北仑店样品仓", "20", "宁波市北仑区中河路 388 号", NO),
)  # fmt: skip
HAIAN_ACCOUNTS = (
    ("XJ1", "鄞州店现金", "现金", "", ""), ("XJ2", "北仑店现金", "现金", "", ""), ("YH", "基本户", "银行账号", "商业银行", "0000330000000101"),
    ("WX", "微信收款", "支付平台", "", ""), ("ZFB", "支付宝收款", "支付平台", "", ""),
)  # fmt: skip
# Code, name, specification, category, unit, retail price, purchase price.
HAIAN_OWN = (
    ("HA-AZ01", "床架安装五金包", "M8 连接件 24 件", "901", "TAO", 45, 18), ("HA-AZ02", "衣柜固定件", "防倾倒 2 只", "901", "TAO", 28, 9),
    ("HA-AZ03", "静音脚垫", "毛毡 16 片", "901", "TAO", 18, 5), ("HA-GD01", "罗马杆", "铝合金 2.5m", "901", "TIAO", 168, 72),
    ("HA-GD02", "窗帘轨道", "静音 每米", "901", "MI", 42, 16), ("HA-YH01", "木器养护油", "500ml", "902", "PING", 98, 41),
    ("HA-YH02", "皮革护理剂", "350ml", "902", "PING", 86, 35), ("HA-YH03", "布艺清洗剂", "500ml", "902", "PING", 58, 22),
)  # fmt: skip

# --- 林川家具, a small dealer

LINCHUAN_DEPARTMENTS = (
    ("00", "林川家具商行", "", "店面", "嘉兴市南湖区中环南路 620 号"), ("10", "仓库", "00", "仓储部门", "嘉兴市南湖区余新镇物流路 2 号"),
)  # fmt: skip
LINCHUAN_EMPLOYEES = (
    ("0001", "秦川", 201, "00", "GM", "2015-01-05"), ("L002", "林小雨", 202, "00", "GD", "2021-09-13"),
)  # fmt: skip
LINCHUAN_CUSTOMERS = (
    ("C01", "钱一鸣", "南湖区 凤桥花苑 2 幢 501"), ("C02", "朱以宁", "秀洲区 运河里 6 幢 1203"), ("C03", "高若溪", "南湖区 湘都汇 1 幢 702"),
    ("C04", "冯嘉木", "海盐县 滨海新城 9 幢"), ("C05", "施南乔", "平湖市 东湖景苑 3 幢 402"), ("C06", "邵知行", "桐乡市 梧桐里 8 幢 1001"),
    ("C07", "嘉兴南湖书屋", "南湖区 少年路 58 号"), ("C08", "乌镇枕水客栈", "桐乡市 乌镇西栅 12 号"), ("C09", "陶然", "南湖区 禾平街 77 号"),
    ("C10", "门市散客", ""),
)  # fmt: skip
LINCHUAN_SUPPLIERS = (
    ("S01", "栖木家居", "韩越", "杭州市余杭区良渚街道木作路 18 号"), ("S02", "嘉善木桶坊", "汤木", "嘉兴市嘉善县西塘镇木工路 9 号"),
)  # fmt: skip
LINCHUAN_WAREHOUSES = (("CK", "商行仓库", "10", "嘉兴市南湖区余新镇物流路 2 号", YES),)
LINCHUAN_ACCOUNTS = (
    ("XJ", "现金", "现金", "", ""),
    ("YH", "农商行账户", "银行账号", "商业银行", "0000570000000201"),
    ("WX", "微信收款", "支付平台", "", ""),
)
LINCHUAN_OWN = (
    ("LC-MT01", "香柏木桶", "Φ36×30cm", "404", "GE", 268, 120), ("LC-MT02", "榆木小凳", "30×24×26cm", "10104", "GE", 158, 66),
    ("LC-AZ01", "通用安装包", "螺丝与扳手", "901", "TAO", 25, 8), ("LC-YH01", "木蜡油", "250ml", "902", "PING", 68, 30),
)  # fmt: skip


def haian_articles() -> list[Product]:
    """The dealer with two stores sells wood in two series, sofas, mattresses and some soft goods."""
    wanted = ("QM-BY-", "QM-NL-", "YT-YD-", "YT-FX-", "YT-XY-", "YT-HY-", "CG-DT", "CG-BZ", "CG-CL")
    return [product for product in products() if product.code.startswith(wanted) and product.is_active]


def linchuan_articles() -> list[Product]:
    """The small dealer sells one wooden series and lamps."""
    wanted = ("QM-CX-", "CG-YB-", "CG-ZY-")
    return [product for product in products() if product.code.startswith(wanted) and product.is_active]


def linchuan_code(upstream: str) -> str:
    """The small dealer numbers articles its own way, so that codes have to be mapped: 0001, 0002 … in shelf order."""
    order = [product.code for product in linchuan_articles()]
    return f"LC{order.index(upstream) + 1:04}"


def master_rows(articles: Iterable[Product]) -> Iterator[Row]:
    """Turn articles into rows under PRODUCT."""
    for item in articles:
        about = (item.code, item.name, item.spec, item.brand, item.category, item.unit, item.barcode)
        status = "在售" if item.is_active else "停产"
        yield *about, status, item.price, item.purchase_price, item.pack, item.pack_qty


def own_rows(articles: Sequence[tuple[str, str, str, str, str, int, int]], first: int) -> Iterator[Row]:
    """Turn a dealer's own articles into rows under PRODUCT."""
    for number, (code, name, spec, category, unit, price, purchase) in enumerate(articles, start=first):
        yield code, name, spec, "", category, unit, ean13(number), "在售", price, purchase, "", None


def opening(articles: Iterable[Product], warehouse: str, most: int, part: Decimal) -> Iterator[Row]:
    """Give each article a quantity in a warehouse by its place in the list, at `part` of its retail price."""
    for number, item in enumerate(articles):
        quantity = 2 + number * 7 % most
        cost = (item.price * part * (1 + Decimal(number % 5 - 2) / 100)).quantize(Decimal("0.01"))
        yield warehouse, item.code, item.unit, quantity, cost, "正品"
        if number % 40 == 17:
            yield warehouse, item.code, item.unit, 1, cost, "次品"


def by_warehouse(rows: Iterable[Row]) -> list[Row]:
    """Order an opening by warehouse, as one document is made of each."""
    return sorted(rows, key=lambda row: str(row[0]))


# Heads of price lists: code, name, kind, only for partner, only for level, default, priority.
DEALERS = ("JXS", "经销价", "销售", "", "经销商", NO, 10)
PROJECTS = ("GC", "工程价", "销售", "", "工程", NO, 10)
CAMPAIGN = ("QY", "金秋焕新价", "销售", "", "", YES, 0)


def dealer_prices() -> Iterator[Row]:
    """The dealers' price list: one price each, and from ten on for what comes in boxes 5 % less."""
    for item in products():
        if item.is_active:
            yield *DEALERS, item.code, item.unit, 1, item.dealer_price, SPRING, None
            if item.pack:
                yield (
                    *DEALERS,
                    item.code,
                    item.unit,
                    10,
                    whole(item.dealer_price * Decimal("0.95")),
                    SPRING,
                    None,
                )


def project_prices() -> Iterator[Row]:
    """Prices for building projects: chairs, mattresses and lamps in numbers, this year's and next year's."""
    for item in products():
        if item.category in {"10302", "201", "302", "303"} and item.is_active:
            for least, part in ((1, "0.60"), (20, "0.57"), (100, "0.53")):
                now = whole(item.price * Decimal(part))
                yield *PROJECTS, item.code, item.unit, least, now, SPRING, dt.date(2026, 12, 31)
                yield *PROJECTS, item.code, item.unit, least, now + 10, dt.date(2027, 1, 1), YEAR_END


def autumn_prices() -> Iterator[Row]:
    """The campaign of the dealer with two stores, for sofas and mattresses."""
    for item in haian_articles():
        if item.category in {"10201", "201"}:
            yield *CAMPAIGN, item.code, item.unit, 1, whole(item.price * Decimal("0.92")), SPRING, YEAR_END
            yield *CAMPAIGN, item.code, item.unit, 3, whole(item.price * Decimal("0.88")), SPRING, YEAR_END


def agreed_prices() -> Iterator[Row]:
    """What the brand agreed with its two best customers, better than the list."""
    for customer, name, every, part in (
        ("K001", "海岸家居合作价", 6, "0.60"),
        ("K012", "云舍酒店合作价", 9, "0.55"),
    ):
        about = (f"HZ{customer}", name, "销售", customer, "", NO, 20)
        wooden = [item for item in products() if item.brand == "QM" and item.is_active]
        for item in wooden[::every]:
            yield *about, item.code, item.unit, 1, whole(item.price * Decimal(part)), SPRING, YEAR_END


def people(rows: Iterable[tuple[str, str, int, str, str, str]]) -> Iterator[Row]:
    """Turn employees into rows under EMPLOYEE."""
    for code, name, number, department, position, hired in rows:
        yield code, name, phone(number), department, position, dt.date.fromisoformat(hired)


def customers(rows: Iterable[tuple[str, str, str]], first: int) -> Iterator[Row]:
    """Turn retail customers into rows under PARTNER; who is a person is its own contact."""
    for number, (code, name, address) in enumerate(rows, start=first):
        contact, telephone = (name if len(name) <= 3 else "", phone(number)) if address else ("", "")
        yield code, name, YES, NO, "", contact, telephone, address, "款到发货", None


def suppliers(rows: Iterable[tuple[str, str, str, str]], first: int) -> Iterator[Row]:
    """Turn suppliers into rows under PARTNER."""
    for number, (code, name, contact, address) in enumerate(rows, start=first):
        yield code, name, NO, YES, "", contact, phone(number), address, "赊销", None


def qimu() -> Iterator[Sheet]:
    """The brand's spreadsheets in the order they are imported."""
    accounts = [
        (
            code,
            name,
            YES,
            NO,
            "工程" if limit >= 500_000 else "经销商",
            contact,
            phone(1000 + number),
            address,
            "赊销",
            limit,
        )
        for number, (code, name, contact, address, limit) in enumerate(QIMU_CUSTOMERS)
    ]
    soft = [item for item in products() if item.category.startswith("4")]
    yield "01-departments", DEPARTMENT, QIMU_DEPARTMENTS
    yield "02-positions", POSITION, POSITIONS
    yield "03-employees", EMPLOYEE, people(QIMU_EMPLOYEES)
    yield "04-units", UNIT, UNITS
    yield "05-brands", BRAND, BRANDS
    yield "06-categories", CATEGORY, CATEGORIES
    yield "07-products", PRODUCT, master_rows(products())
    yield "08-partners", PARTNER, [*accounts, *suppliers(QIMU_SUPPLIERS, 1100)]
    yield "09-warehouses", WAREHOUSE, QIMU_WAREHOUSES
    yield "10-accounts", ACCOUNT, QIMU_ACCOUNTS
    yield "11-price-lists", PRICE_LIST, [*dealer_prices(), *project_prices()]
    yield "12-customer-prices", PRICE_LIST, agreed_prices()
    yield (
        "13-opening-stock",
        OPENING,
        [*opening(products(), "CP", 60, Decimal("0.36")), *opening(soft, "RZ", 24, Decimal("0.36"))],
    )


def haian() -> Iterator[Sheet]:
    """The dealer with two stores; downloads come before what names downloaded articles."""
    articles = haian_articles()
    stock = [item for number, item in enumerate(articles) if number % 2 == 0]
    shown = [item for number, item in enumerate(articles) if number % 9 == 4]
    yield "01-departments", DEPARTMENT, HAIAN_DEPARTMENTS
    yield "02-positions", POSITION, POSITIONS
    yield "03-employees", EMPLOYEE, people(HAIAN_EMPLOYEES)
    yield "04-units", UNIT, UNITS
    yield "05-brands", BRAND, BRANDS
    yield "06-categories", CATEGORY, CATEGORIES
    yield "07-products", PRODUCT, own_rows(HAIAN_OWN, 31_000_001)
    yield "08-partners", PARTNER, [*customers(HAIAN_CUSTOMERS, 2000), *suppliers(HAIAN_SUPPLIERS, 2100)]
    yield "09-warehouses", WAREHOUSE, HAIAN_WAREHOUSES
    yield "10-accounts", ACCOUNT, HAIAN_ACCOUNTS
    yield "11-downloads", DOWNLOAD, [(item.code, item.code) for item in articles]
    yield "12-price-lists", PRICE_LIST, autumn_prices()
    yield (
        "14-opening-stock",
        OPENING,
        by_warehouse(
            [
                *opening(stock, "ZX", 9, DEALER),
                *(
                    ("ZX", code, unit, 40 + number * 15, cost, "正品")
                    for number, (code, _, _, _, unit, _, cost) in enumerate(HAIAN_OWN)
                ),
                *(
                    (("YZ", "BL")[number % 2], item.code, item.unit, 1, item.dealer_price, "正品")
                    for number, item in enumerate(shown)
                ),
            ]
        ),
    )


def linchuan() -> Iterator[Sheet]:
    """The small dealer."""
    articles = linchuan_articles()
    own = [
        ("CK", code, unit, 12 + number * 6, cost, "正品")
        for number, (code, _, _, _, unit, _, cost) in enumerate(LINCHUAN_OWN)
    ]
    stock = [
        (warehouse, linchuan_code(str(code)), *rest)
        for warehouse, code, *rest in opening(
            [item for number, item in enumerate(articles) if number % 3 == 0], "CK", 5, DEALER
        )
    ]
    yield "01-departments", DEPARTMENT, LINCHUAN_DEPARTMENTS
    yield "02-positions", POSITION, POSITIONS
    yield "03-employees", EMPLOYEE, people(LINCHUAN_EMPLOYEES)
    yield "04-units", UNIT, UNITS
    yield "05-brands", BRAND, BRANDS
    yield "06-categories", CATEGORY, CATEGORIES
    yield "07-products", PRODUCT, own_rows(LINCHUAN_OWN, 32_000_001)
    yield "08-partners", PARTNER, [*customers(LINCHUAN_CUSTOMERS, 3000), *suppliers(LINCHUAN_SUPPLIERS, 3100)]
    yield "09-warehouses", WAREHOUSE, LINCHUAN_WAREHOUSES
    yield "10-accounts", ACCOUNT, LINCHUAN_ACCOUNTS
    yield "11-downloads", DOWNLOAD, [(item.code, linchuan_code(item.code)) for item in articles]
    yield "14-opening-stock", OPENING, [*stock, *own]


ENTERPRISES = {"QIMU": qimu, "HAIAN": haian, "LINCHUAN": linchuan}


def workbook(headings: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Write one sheet with fixed properties, so that the same rows give the same bytes."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.set_properties({"created": dt.datetime(2026, 1, 1)})  # noqa: DTZ001 - the format knows no zone
        sheet = book.add_worksheet("Sheet1")
        heading = book.add_format({"bold": True, "bg_color": "#EEF1F5"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        text = book.add_format({"num_format": "@"})
        sheet.write_row(0, 0, headings, heading)
        for number, row in enumerate(rows, start=1):
            for at, value in enumerate(row):
                if isinstance(value, dt.date):
                    sheet.write_datetime(number, at, dt.datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                elif isinstance(value, str) and value:
                    sheet.write_string(number, at, value, text)
                elif isinstance(value, int | Decimal):
                    sheet.write_number(number, at, value)
        sheet.freeze_panes(1, 0)
        sheet.autofit(400)
    return target.getvalue()


def files() -> Iterator[tuple[Path, bytes]]:
    """Give every file with its content."""
    for code, sheets in ENTERPRISES.items():
        for name, headings, rows in sheets():
            yield HERE / code / f"{name}.xlsx", workbook(headings.split(), rows)


def parts(data: bytes) -> dict[str, bytes]:
    """Unpack a workbook; how tightly it was packed depends on the machine's zlib and means nothing."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def main() -> int:
    """Write the files that differ; with `--check`, only name them and fail if there are any."""
    is_check = "--check" in sys.argv
    differing = [
        (path, data) for path, data in files() if not path.exists() or parts(path.read_bytes()) != parts(data)
    ]
    for path, data in differing:
        print(path.relative_to(HERE))
        if not is_check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    return 1 if differing and is_check else 0


if __name__ == "__main__":
    sys.exit(main())
