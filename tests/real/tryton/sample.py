"""The invented company whose books are in the seeded Tryton: its customers, goods and sales.

All of it is sample data (見本). The customers are firms that the demo's other systems know as well,
written as a second department would write them, and some that only this system knows. Corporate
numbers (法人番号) use the code of a registry office that does not exist, telephone numbers an
exchange that nobody has, and every mail address ends in `.example`.
"""

from dataclasses import dataclass

COMPANY = "ひのき精機株式会社（見本）"
COMPANY_SERIAL = 900_000

# Prefectures of the customers, with the codes of ISO 3166-2.
PREFECTURES = {
    "北海道": "JP-01",
    "岩手県": "JP-03",
    "埼玉県": "JP-11",
    "千葉県": "JP-12",
    "東京都": "JP-13",
    "神奈川県": "JP-14",
    "新潟県": "JP-15",
    "福井県": "JP-18",
    "長野県": "JP-20",
    "静岡県": "JP-22",
    "愛知県": "JP-23",
    "三重県": "JP-24",
    "京都府": "JP-26",
    "大阪府": "JP-27",
    "兵庫県": "JP-28",
    "岡山県": "JP-33",
    "広島県": "JP-34",
    "福岡県": "JP-40",
}


@dataclass(frozen=True)
class Customer:
    """One customer. `serial` makes the corporate number; None where the books do not have it."""

    name: str
    serial: int | None
    postal_code: str
    prefecture: str
    city: str
    street: str
    phone: str
    email: str
    # A second place that goods are delivered to: postal code, prefecture, city, street.
    delivery: tuple[str, str, str, str] | None = None
    active: bool = True


CUSTOMERS = [
    Customer("㈱朝凪電装", 127, "430-0127", "静岡県", "浜松市中央区", "工場通2-14", "053-000-0127",
             "kobai@asanagi.example", ("430-0127", "静岡県", "浜松市浜名区", "みなみ台2-14")),
    Customer("東雲ヶ原プラント（株）", 418, "290-0418", "千葉県", "市原市", "産業団地7-1", "0430000418",
             "keiri@shinonomegaharapuranto.example"),
    Customer("丸穂ラバー工業株式会社", 203, "485-0203", "愛知県", "小牧市", "下河内町6-4", "056-000-0203",
             "info@maruhorabakougyou.example"),
    Customer("北ノ森フーズ（株）本社", None, "061-0356", "北海道", "恵庭市", "新開町3-8", "012-000-0356",
             "shizai@kitanomorifuuzu.example", ("061-0399", "北海道", "恵庭市", "緑が浜12-2")),
    Customer("ミナトノ物流機器", None, "210-0511", "神奈川県", "川崎市", "潮見台1-22", "044-000-0511",
             "info@minatonobutsuryuukiki.example"),
    Customer("株式会社翡翠精密", 98, "394-0098", "長野県", "岡谷市", "松ヶ丘5-3", "026-000-0098",
             "hinsho@hisuiseimitsu.example"),
    Customer("（株）オリオン函装", 274, "340-0274", "埼玉県", "草加市", "桜並木町9-6", "048-000-0274",
             "kobai@orionkansou.example"),
    Customer("たちあおい製作所(有)", None, "959-0622", "新潟県", "燕市", "鍛冶屋敷4-11", "025-000-0622",
             "info@tachiaoiseisakujo.example"),
    Customer("はるかぜ計測器㈱", 733, "611-0733", "京都府", "宇治市", "若草台8-2", "077-000-0733",
             "sekkei@harukazekeisokuki.example"),
    Customer("株式会社松籟ポンプ", None, "737-0305", "広島県", "呉市", "大曲町2-7", "082-000-0305",
             "seizo@shouraiponpu.example", ("737-0390", "広島県", "呉市", "東雲台1-1")),
    Customer("合同会社すみれ図研", 790, "206-0790", "東京都", "多摩市", "みなみ台3-16", "042-000-0790",
             "info@sumirezuken.example"),
    Customer("千景マテリアル株式会社", 651, "710-0651", "岡山県", "倉敷市", "千本木6-20", "086-000-0651",
             "seigi@chikagematerial.example"),
    Customer("みかげ歯車株式会社", 900_001, "024-0911", "岩手県", "北上市", "産業団地2-30", "019-000-0911",
             "kobai@mikage-gear.example"),
    Customer("株式会社つばめや金型", 900_002, "510-0912", "三重県", "四日市市", "にしの里4-4", "059-000-0912",
             "info@tsubameya.example"),
    Customer("ほたる川乳業株式会社", 900_003, "860-0913", "福岡県", "久留米市", "川原崎10-5", "094-000-0913",
             "soumu@hotarugawa.example", ("830-0914", "福岡県", "久留米市", "荒砥原3-3")),
    Customer("有限会社あけぼの塗装", None, "577-0915", "大阪府", "東大阪市", "元市場町7-12", "072-000-0915",
             "info@akebono-tosou.example"),
    Customer("株式会社なぎさ眼鏡部品", 900_004, "916-0916", "福井県", "鯖江市", "見晴台2-2", "077-000-0916",
             "shizai@nagisa-megane.example"),
    Customer("ゆきしろ搬送システム株式会社", 900_005, "670-0917", "兵庫県", "姫路市", "藤ノ木台1-9", "079-000-0917",
             "seigi@yukishiro.example"),
    Customer("合同会社こだま試作所", None, "252-0918", "神奈川県", "相模原市", "天神原5-18", "042-000-0918",
             "info@kodama-shisaku.example"),
    # Closed: Tryton leaves it out of every list that does not ask for it.
    Customer("旭ヶ森鋳造株式会社（取引停止）", 900_006, "471-0919", "愛知県", "豊田市", "湯ノ沢2-1", "056-000-0919",
             "info@asahigamori.example", active=False),
]


@dataclass(frozen=True)
class Good:
    """Something that is sold. `price` is yen without tax, `rate` the tax in percent."""

    code: str
    name: str
    price: int
    rate: int = 10
    service: bool = False


GOODS = [
    Good("KV-220", "制御盤カバー KV-220", 3_850),
    Good("BR-115", "取付ブラケット BR-115", 640),
    Good("SH-120", "研磨シャフト φ12 L350", 2_140),
    Good("GR-M15", "平歯車 M1.5 Z60", 4_980),
    Good("NZ-012", "充填ノズル NZ-012", 12_400),
    Good("JG-201", "検査治具 JG-201", 148_000),
    # Food is taxed less (軽減税率): an invoice with it has two tax lines.
    Good("TF-SG1", "充填試験用 上白糖 30kg", 6_100, rate=8),
    Good("RP-001", "現地修理・調整", 58_000, service=True),
]


@dataclass(frozen=True)
class Sale:
    """One sale. `days` is how long ago, `lines` are (place in GOODS, quantity).

    `end` is how far it got: draft, quotation, confirmed, processing, invoiced, part_paid, paid.
    """

    customer: int
    days: int
    lines: tuple[tuple[int, int], ...]
    end: str = "invoiced"
    shipped: bool = False
    # What is written on the order without being goods: a remark, and a discount in yen.
    remark: str = ""
    discount: int = 0


SALES = [
    Sale(0, 118, ((0, 40), (1, 200)), "paid", shipped=True),
    Sale(1, 112, ((5, 1), (7, 2)), "part_paid"),
    Sale(2, 105, ((1, 300),), shipped=True),
    Sale(3, 98, ((4, 12), (6, 4)), "paid", shipped=True),
    Sale(4, 91, ((2, 30),)),
    Sale(5, 87, ((3, 25), (2, 10))),
    Sale(6, 80, ((0, 60),), shipped=True),
    Sale(8, 74, ((7, 1),), remark="訪問は午前中にお願いします"),
    Sale(9, 66, ((2, 40), (3, 16), (1, 100))),
    Sale(12, 60, ((3, 80),), shipped=True),
    Sale(13, 53, ((5, 2),)),
    Sale(14, 47, ((4, 20), (6, 10), (7, 1)), discount=3_000),
    Sale(0, 39, ((0, 20), (2, 15))),
    Sale(16, 31, ((1, 500),)),
    Sale(17, 24, ((4, 6), (2, 24))),
    Sale(11, 17, ((3, 10),)),
    Sale(10, 9, ((0, 5),), "processing"),
    Sale(7, 5, ((1, 120), (2, 8)), "confirmed"),
    Sale(15, 3, ((5, 1),), "quotation"),
    Sale(18, 1, ((7, 1),), "draft"),
]

# The invoice of this sale (its place in SALES) is partly taken back: so many of its first line.
CREDITED_SALE = 6
CREDITED_QUANTITY = 8


def corporate_number(serial: int) -> str:
    """The 13 digits of a 法人番号: a check digit, then 12 digits. No registry office has 0099."""
    base = 9_901_000_000 + serial
    digits = [int(digit) for digit in reversed(f"{base:012}")]
    total = sum(digit * (1 if place % 2 == 0 else 2) for place, digit in enumerate(digits))
    return f"{9 - total % 9}{base:012}"
