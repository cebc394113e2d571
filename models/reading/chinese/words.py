"""Tables of Chinese: money, units, measure words, signs, as they are said."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MONEY = {
    "$": "美元",
    "US$": "美元",
    "HK$": "港元",
    "NT$": "新台币",
    "C$": "加元",
    "A$": "澳元",
    "S$": "新加坡元",
    "€": "欧元",
    "£": "英镑",
    "¥": "元",
    "￥": "元",
    "₹": "卢比",
    "₩": "韩元",
    "₽": "卢布",
    "USD": "美元",
    "EUR": "欧元",
    "GBP": "英镑",
    "CNY": "元",
    "RMB": "元",
    "JPY": "日元",
    "HKD": "港元",
}
SHORT = {"k": 3, "K": 3, "M": 6, "B": 9, "bn": 9}  # powers of ten: $5M is 五百万美元

UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "km²": "平方公里",
    "m²": "平方米",
    "㎡": "平方米",
    "cm²": "平方厘米",
    "m³": "立方米",
    "cm³": "立方厘米",
    "km": "公里",
    "㎞": "公里",
    "m": "米",
    "cm": "厘米",
    "㎝": "厘米",
    "mm": "毫米",
    "㎜": "毫米",
    "nm": "纳米",
    "μm": "微米",
    "µm": "微米",
    "kg": "公斤",
    "㎏": "公斤",
    "KG": "公斤",
    "g": "克",
    "mg": "毫克",
    "㎎": "毫克",
    "t": "吨",
    "L": "升",
    "ml": "毫升",
    "mL": "毫升",
    "ML": "毫升",
    "ms": "毫秒",
    "s": "秒",
    "min": "分钟",
    "h": "小时",
    "Hz": "赫兹",
    "kHz": "千赫兹",
    "MHz": "兆赫兹",
    "GHz": "吉赫兹",
    "W": "瓦",
    "kW": "千瓦",
    "MW": "兆瓦",
    "kWh": "千瓦时",
    "mAh": "毫安时",
    "V": "伏",
    "dB": "分贝",
    "px": "像素",
    "fps": "帧每秒",
    "rpm": "转每分钟",
    "kcal": "千卡",
    "Mbps": "兆每秒",
    "°C": "摄氏度",
    "℃": "摄氏度",
    "°F": "华氏度",
    "℉": "华氏度",
    "°": "度",
}
# Said as letters, but counted: 两GB.
UNITS |= {
    name + per: name + each
    for name in ("KB", "MB", "GB", "TB")
    for per, each in {"": "", "/s": "每秒"}.items()
}
# Before these 2 is 两. (第2…, 2月, 2号, 2楼, 2年级 are 二.)
COUNTED = _words(
    "个 位 名 人 只 头 条 件 张 把 本 台 辆 架 艘 部 间 套 座 栋 棵 朵 颗 粒 块 片 根 支 枝 瓶 杯 碗 "
    "盒 包 袋 箱 桶 份 封 篇 首 句 段 组 对 双 副 种 类 样 次 回 遍 趟 场 轮 步 家 所 项 门 面 道 字 "
    "笔 股 批 群 排 堆 滴 层 款 册 幅 集 期 代 成 岁 天 周 星期 礼拜 小时 分钟 秒 秒钟 分 点 刻 季 "
    "年 夜 晚 元 块钱 毛 角 美元 欧元 英镑 港元 日元 万元 亿元 米 公里 千米 厘米 毫米 里 尺 寸 公斤 "
    "千克 克 斤 吨 升 毫升 平方米 平方公里 平米 亩 倍 者 边 侧 大 地 国 省 市 县 千 万 亿 百 帧 字节 "
    "比特 兆 勺 匙 度 瓦 千瓦 页 行 列 章节 通 顿 口 桌 亲 难"
)
# Digit by digit, with 幺 for 1, after these.
CALLED = "电话|热线|报警|急救|拨打|致电|拨|打|手机|手机号|号码|传真|座机|客服"
EMERGENCY = "110|119|120|122|999"
# Before or after one of these, such a number is called and nothing is counted.
CALLING_FOR_HELP = "叫|联系|打了|拨了|打过|通知"
HELP = "报警|接警|出警|火警|匪警|警情|民警|警察|急救|救护|消防|指挥中心|平台"
# Telephone numbers that everybody knows; digit by digit where nothing is counted.
SERVICES = r"12(?:306|315|345|123|333|329|348|320)|100(?:01|1\d|60|8[56]|99)|95[0135](?!00)\d\d"
# Digit by digit after these.
CODED = "邮编|编号|密码|验证码|房间|房号|尾号|航班|车次|工号|学号|代码|波音|空客|QQ|型号|卡号|单号|口令"
# Said digit by digit where nothing is counted: days of sale, hours of work.
KNOWN_CODES = ("315", "618", "520", "911", "996", "007", "1314", "985", "211", "404")
# Days of sale and their like, as a date with a point.
SALES = {"6.18": "六一八", "11.11": "双十一", "12.12": "双十二", "3.15": "三一五", "5.20": "五二零"}
# After the result of a match.
RESULTS = (
    "击败|战胜|取胜|获胜|[险大完小惨]胜|胜|领先|落后|[战打逼]平|平局|告负|不敌|负于|落败|[输赢]"
    "|逆转|绝杀|横扫|淘汰|晋级|夺冠"
)
SIGNS = {
    "&": "和",
    "@": "艾特",
    "+": "加",
    "=": "等于",
    "<": "小于",
    ">": "大于",
    "≥": "大于等于",
    "≤": "小于等于",
    "≠": "不等于",
    "≈": "约等于",
    "×": "乘",
    "÷": "除以",
    "±": "正负",
    "№": "第",
    "~": "约",
    "°": "度",
    "℃": "摄氏度",
    "℉": "华氏度",
}
# English ones, before a name.
TITLES = {"Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miss", "Prof": "Professor"}
ABBREVIATED = {"e.g.": "比如", "i.e.": "也就是", "etc.": "等等"}
