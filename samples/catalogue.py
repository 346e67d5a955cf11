"""What the brand enterprise of the demonstration makes: three brands, their series, and every article by rule.

All names are invented. Prices are retail prices in yuan, tax included; `PURCHASE` of them is what making one costs and
`DEALER` what a dealer pays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

DEALER = Decimal("0.62")
PURCHASE = Decimal("0.41")

BRANDS = (
    ("QM", "栖木", "原木家具：白橡、黑胡桃、樱桃、白蜡"),
    ("YT", "云榻", "沙发、床垫与床品"),
    ("CG", "澄光", "灯饰、地毯与家居软装"),
)

CATEGORIES = (
    ("1", "家具", ""),
    ("101", "卧室家具", "1"), ("10101", "床", "101"), ("10102", "床头柜", "101"), ("10103", "衣柜", "101"),
    ("10104", "斗柜与妆台", "101"),
    ("102", "客厅家具", "1"), ("10201", "沙发", "102"), ("10202", "茶几", "102"), ("10203", "电视柜", "102"),
    ("10204", "休闲椅", "102"), ("10205", "玄关柜", "102"),
    ("103", "餐厅家具", "1"), ("10301", "餐桌", "103"), ("10302", "餐椅", "103"), ("10303", "餐边柜", "103"),
    ("104", "书房家具", "1"), ("10401", "书桌椅", "104"), ("10402", "书柜", "104"),
    ("2", "寝具", ""), ("201", "床垫", "2"), ("202", "枕芯", "2"), ("203", "床品套件", "2"), ("204", "被芯", "2"),
    ("3", "灯饰", ""), ("301", "吊灯", "3"), ("302", "吸顶灯", "3"), ("303", "壁灯与镜前灯", "3"), ("304", "落地灯与台灯", "3"),
    ("4", "软装", ""), ("401", "地毯", "4"), ("402", "窗帘", "4"), ("403", "挂画与镜", "4"), ("404", "摆件与香氛", "4"),
    ("405", "抱枕与盖毯", "4"),
    ("9", "辅料与服务", ""), ("901", "安装辅料", "9"), ("902", "养护用品", "9"),
)  # fmt: skip

# Code, name, decimals of a quantity.
UNITS = (
    ("PCS", "件", 0), ("ZHANG", "张", 0), ("BA", "把", 0), ("ZU", "组", 0), ("TAO", "套", 0), ("ZHAN", "盏", 0),
    ("GE", "个", 0), ("TIAO", "条", 0), ("FU", "幅", 0), ("MI", "米", 2), ("PING", "瓶", 0), ("XIANG", "箱", 0),
    ("JUAN", "卷", 0),
)  # fmt: skip


@dataclass(frozen=True)
class Product:
    """One article. `pack_qty` base units make one sales unit; both are empty where it is sold singly."""

    code: str
    name: str
    spec: str
    brand: str
    category: str
    unit: str
    price: Decimal
    purchase_price: Decimal
    barcode: str
    pack: str = ""
    pack_qty: int | None = None
    is_active: bool = True

    @property
    def dealer_price(self) -> Decimal:
        """What a dealer pays, to the yuan."""
        return whole(self.price * DEALER)


def whole(amount: Decimal) -> Decimal:
    """Round to the yuan, half up."""
    return amount.quantize(Decimal(1), ROUND_HALF_UP)


def ean13(number: int) -> str:
    """Make a bar code of the range for use inside a company (it begins with 2), check digit included."""
    body = f"200{number:09}"
    return body + str(-sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(body)) % 10)


# Series: code, name, material, factor on the price.
_WOOD = (
    ("BY", "北原", "白橡木", "1.00"), ("NL", "南岭", "黑胡桃木", "1.38"), ("XM", "小满", "樱桃木", "1.16"),
    ("CX", "初雪", "白蜡木", "0.90"),
)  # fmt: skip
# Code, name, size, category, unit, price, and the pack with what it holds.
_WOODEN = (
    ("C15", "双人床 1.5m", "1500×2000mm", "10101", "ZHANG", 3680), ("C18", "双人床 1.8m", "1800×2000mm", "10101", "ZHANG", 3980),
    ("CG18", "高箱储物床", "1800×2000mm", "10101", "ZHANG", 4880), ("CE12", "儿童床", "1200×2000mm", "10101", "ZHANG", 2980),
    ("CT", "床头柜", "500×420×520mm", "10102", "GE", 780), ("CTX", "窄床头柜", "350×400×520mm", "10102", "GE", 680),
    ("YG2", "两门衣柜", "900×580×2100mm", "10103", "ZU", 3280), ("YG3", "三门衣柜", "1350×580×2100mm", "10103", "ZU", 4680),
    ("YG4", "四门衣柜", "1800×580×2100mm", "10103", "ZU", 5980), ("DG5", "五斗柜", "800×420×1050mm", "10104", "GE", 2380),
    ("ZT", "妆台", "1000×450×760mm", "10104", "ZHANG", 1680), ("ZD", "妆凳", "420×320×430mm", "10104", "GE", 420, "XIANG", 2),
    ("CZ14", "餐桌 1.4m", "1400×800×750mm", "10301", "ZHANG", 2180), ("CZ16", "餐桌 1.6m", "1600×850×750mm", "10301", "ZHANG", 2480),
    ("CZY", "圆餐桌", "Φ1350×750mm", "10301", "ZHANG", 3180), ("CY", "餐椅", "480×520×800mm", "10302", "BA", 680, "XIANG", 2),
    ("CYB", "布面餐椅", "490×540×810mm", "10302", "BA", 760, "XIANG", 2), ("CD", "餐凳", "1200×350×450mm", "10302", "TIAO", 880),
    ("CB12", "餐边柜", "1200×400×850mm", "10303", "GE", 2280), ("CJ12", "茶几", "1200×600×400mm", "10202", "ZHANG", 1580),
    ("BJ", "边几", "Φ450×550mm", "10202", "GE", 620), ("DS18", "电视柜 1.8m", "1800×400×450mm", "10203", "GE", 1980),
    ("DS21", "电视柜 2.1m", "2100×400×450mm", "10203", "GE", 2280), ("SZ14", "书桌", "1400×600×750mm", "10401", "ZHANG", 1880),
    ("SY", "书椅", "520×550×880mm", "10401", "BA", 860, "XIANG", 2), ("SG8", "书柜", "800×320×2000mm", "10402", "GE", 2080),
    ("XG10", "玄关柜", "1000×350×1100mm", "10205", "GE", 1980), ("HXD", "换鞋凳", "800×350×450mm", "10205", "TIAO", 680),
    ("YJ", "衣帽架", "450×450×1750mm", "10205", "GE", 480),
)  # fmt: skip
_SOFA_SERIES = (
    ("YD", "云朵", "棉麻布", "1.00", ("米白", "雾灰", "豆绿")), ("FX", "拂晓", "科技布", "1.12", ("燕麦", "墨绿")),
    ("YS", "远山", "头层牛皮", "1.85", ("焦糖", "深棕")),
)  # fmt: skip
_SOFAS = (
    ("1", "单人沙发", "950×900×820mm", "ZHANG", 2180), ("2", "双人沙发", "1650×900×820mm", "ZHANG", 3280),
    ("3", "三人沙发", "2250×900×820mm", "ZHANG", 4180), ("G", "贵妃位", "1050×1650×820mm", "ZHANG", 2680),
    ("Z", "转角沙发", "2950×1650×820mm", "ZU", 6680), ("J", "脚踏", "650×500×420mm", "GE", 680),
)  # fmt: skip
_MATTRESSES = (
    ("XY", "星野", "天然乳胶", "1.30"),
    ("HY", "海盐", "独立袋装弹簧", "1.00"),
    ("SG", "松谷", "山棕", "0.85"),
)
_BEDDING = (
    ("ZR1", "乳胶低枕", "低枕 8cm", "202", "GE", 269, "XIANG", 8), ("ZR2", "乳胶高枕", "高枕 12cm", "202", "GE", 289, "XIANG", 8),
    ("ZJ", "慢回弹记忆枕", "60×40cm", "202", "GE", 229, "XIANG", 8), ("ZY", "羽丝绒枕", "74×48cm", "202", "GE", 129, "XIANG", 12),
    ("BC15", "春秋被 1.5m 床", "200×230cm", "204", "TIAO", 459, "XIANG", 5), ("BC18", "春秋被 1.8m 床", "220×240cm", "204", "TIAO", 519, "XIANG", 5),
    ("BD15", "冬被 1.5m 床", "200×230cm", "204", "TIAO", 799, "XIANG", 4), ("BD18", "冬被 1.8m 床", "220×240cm", "204", "TIAO", 899, "XIANG", 4),
)  # fmt: skip
_LAMP_SERIES = (
    ("YB", "月白", "玻璃", "1.00"),
    ("XY", "星屿", "黄铜", "1.45"),
    ("ZY", "竹影", "竹编", "0.86"),
)
_LAMPS = (
    ("DX", "小吊灯", "Φ380mm", "301", 680, 4), ("DD", "大吊灯", "Φ600mm", "301", 1180, 2),
    ("XD4", "吸顶灯 400", "Φ400mm", "302", 520, 4), ("XD6", "吸顶灯 600", "Φ600mm", "302", 880, 2),
    ("XD8", "吸顶灯 800", "Φ800mm", "302", 1380, 1), ("BD", "壁灯", "180×240mm", "303", 320, 6),
    ("JQ", "镜前灯", "600mm", "303", 360, 6), ("LD", "落地灯", "高 1550mm", "304", 780, 2),
    ("TD", "台灯", "高 420mm", "304", 420, 6),
)  # fmt: skip
_RUGS = (("苔痕", "1.00"), ("砂纹", "0.92"), ("格陵", "1.10"), ("素锦", "1.25"))
_SOFT = (
    ("CL1", "亚麻遮光帘", "亚麻 · 幅宽 2.8m", "402", "MI", 98, "JUAN", 30), ("CL2", "雪尼尔遮光帘", "雪尼尔 · 幅宽 2.8m", "402", "MI", 128, "JUAN", 30),
    ("CL3", "棉麻布帘", "本白 · 幅宽 2.8m", "402", "MI", 88, "JUAN", 30), ("CL4", "绒布帘", "雾蓝 · 幅宽 2.8m", "402", "MI", 138, "JUAN", 30),
    ("CS1", "纱帘", "白 · 幅宽 2.8m", "402", "MI", 48, "JUAN", 50), ("CS2", "竹节纱帘", "米 · 幅宽 2.8m", "402", "MI", 58, "JUAN", 50),
    ("GH1", "挂画 远岸", "60×80cm", "403", "FU", 328), ("GH2", "挂画 静物之一", "60×80cm", "403", "FU", 328),
    ("GH3", "挂画 静物之二", "60×80cm", "403", "FU", 328), ("GH4", "挂画 山色", "80×120cm", "403", "FU", 568),
    ("GH5", "挂画 墨线", "50×70cm", "403", "FU", 258), ("JZ1", "穿衣镜", "500×1600mm", "403", "GE", 560),
    ("JZ2", "圆镜", "Φ600mm", "403", "GE", 360), ("HQ1", "矮陶花器", "高 28cm", "404", "GE", 168, "XIANG", 6),
    ("HQ2", "高陶花器", "高 40cm", "404", "GE", 258, "XIANG", 4), ("HQ3", "玻璃花器", "高 32cm", "404", "GE", 128, "XIANG", 6),
    ("XX1", "无火香薰 白茶", "200ml", "404", "PING", 139, "XIANG", 24), ("XX2", "无火香薰 雪松", "200ml", "404", "PING", 139, "XIANG", 24),
    ("XX3", "香氛蜡烛 无花果", "180g", "404", "GE", 119, "XIANG", 24), ("GZ1", "挂钟", "Φ300mm", "404", "GE", 218, "XIANG", 6),
    ("ZL1", "藤编收纳篮", "35×25×20cm", "404", "GE", 89, "XIANG", 10), ("BZ1", "抱枕 米白", "45×45cm", "405", "GE", 89, "XIANG", 10),
    ("BZ2", "抱枕 墨绿", "45×45cm", "405", "GE", 89, "XIANG", 10), ("BZ3", "抱枕 焦糖", "45×45cm", "405", "GE", 99, "XIANG", 10),
    ("BZ4", "腰枕 条纹", "50×30cm", "405", "GE", 79, "XIANG", 10), ("GT1", "羊毛盖毯", "130×170cm", "405", "TIAO", 398, "XIANG", 5),
    ("GT2", "针织盖毯", "130×170cm", "405", "TIAO", 268, "XIANG", 5),
)  # fmt: skip


def _articles() -> Iterator[tuple[str, str, str, str, str, str, Decimal, str, int | None]]:
    """Give code, name, specification, brand, category, unit, price, pack and what it holds."""
    for series, title, wood, factor in _WOOD:
        for code, name, size, category, unit, price, *pack in _WOODEN:
            yield (f"QM-{series}-{code}", f"{title} {name}", f"{wood} {size}", "QM", category, unit,
                   _nice(price, factor), *(pack or ("", None)))  # fmt: skip
    for series, title, cover, factor, colours in _SOFA_SERIES:
        for code, name, size, unit, price in _SOFAS:
            for colour_no, colour in enumerate(colours, start=1):
                yield (f"YT-{series}-{code}{colour_no}", f"{title} {name} {colour}", f"{cover} {size}", "YT", "10201", unit,
                       _nice(price, factor), "", None)  # fmt: skip
        for code, size, price in (("R15", "1500×2000mm", 3280), ("R18", "1800×2000mm", 3680)):
            yield (f"YT-{series}-{code}", f"{title} 软包床 {size[0]}.{size[1]}m", f"{cover} {colours[0]} {size}", "YT", "10101", "ZHANG",
                   _nice(price, factor), "", None)  # fmt: skip
        yield (f"YT-{series}-XY", f"{title} 休闲椅", f"{cover} {colours[1]} 720×800×900mm", "YT", "10204", "BA",
               _nice(1280, factor), "", None)  # fmt: skip
    for series, title, filling, factor in _MATTRESSES:
        for width, price in ((12, 1880), (15, 2280), (18, 2680), (20, 2980)):
            for firm_no, (firm, more) in enumerate((("偏软", 0), ("偏硬", 100)), start=1):
                yield (f"YT-{series}-D{width}{firm_no}", f"{title} 床垫 {width / 10}m {firm}", f"{filling} {width}00×2000×220mm", "YT", "201",
                       "ZHANG", _nice(price + more, factor), "", None)  # fmt: skip
    for code, name, size, category, unit, price, *pack in _BEDDING:
        yield f"YT-{code}", name, size, "YT", category, unit, Decimal(price), *pack
    for colour_no, colour in enumerate(("月白", "雾蓝", "豆沙", "燕麦"), start=1):
        for width, size, price in (("15", "200×230cm", 569), ("18", "220×240cm", 629)):
            yield (f"YT-SJ{width}{colour_no}", f"长绒棉四件套 {colour} {int(width) / 10}m 床", size, "YT", "203", "TAO", Decimal(price),
                   "XIANG", 6)  # fmt: skip
    for series, title, material, factor in _LAMP_SERIES:
        for code, name, size, category, price, in_box in _LAMPS:
            for warmth, shown in (("3", "暖光 3000K"), ("4", "中性光 4000K")):
                yield (f"CG-{series}-{code}{warmth}", f"{title} {name} {shown[:-6]}", f"{material} {size} {shown}", "CG", category, "ZHAN",
                       _nice(price, factor), "XIANG" if in_box > 1 else "", in_box if in_box > 1 else None)  # fmt: skip
    for rug_no, (pattern, factor) in enumerate(_RUGS, start=1):
        for size_no, (size, price) in enumerate(
            (("120×180cm", 580), ("160×230cm", 980), ("200×300cm", 1680)), start=1
        ):
            yield (f"CG-DT{rug_no}{size_no}", f"地毯 {pattern} {size[:3]}", f"羊毛混纺 {size}", "CG", "401", "ZHANG",
                   _nice(price, factor), "", None)  # fmt: skip
    for code, name, size, category, unit, price, *pack in _SOFT:
        yield f"CG-{code}", name, size, "CG", category, unit, Decimal(price), *(pack or ("", None))


def _nice(price: int, factor: str) -> Decimal:
    """Apply a series' factor and end the price in 80, as shops do."""
    return Decimal(int(price * Decimal(factor)) // 100 * 100 + 80)


def products() -> list[Product]:
    """List every article of the brand enterprise; a handful are off the shelf."""
    found = []
    for number, (code, name, spec, brand, category, unit, price, pack, held) in enumerate(
        _articles(), start=1
    ):
        found.append(
            Product(
                code,
                name,
                spec,
                brand,
                category,
                unit,
                price,
                whole(price * PURCHASE),
                ean13(26_000_000 + number * 7),
                pack,
                held,
                is_active=number % 61 != 0,
            )
        )
    return found
