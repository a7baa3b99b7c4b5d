"""The words about files of recipients."""

TEXTS = {
    # The file.
    "unreadable": ("{path} cannot be read: {error}", "无法读取 {path}：{error}"),
    "not-file": (
        "{path} is no file that can be read twice, as it must be: save it as a file first",
        "{path} 不是普通文件，无法读取两遍：请先保存为文件",
    ),
    "changed": ("{path} was changed while it was read: start again", "读取期间 {path} 被修改，请重新开始"),
    "empty": ("{path} is empty", "{path} 是空的"),
    "kind": (
        "{path} is a workbook of another kind, or encrypted: save it as .xlsx without a password, or as CSV UTF-8",
        "{path} 是其他格式的工作簿，或已加密：请另存为不带密码的 .xlsx，或 CSV UTF-8",
    ),
    "not-workbook": (
        "{path} is no XLSX workbook, or is damaged ({error}): save it again as .xlsx, or as CSV UTF-8",
        "{path} 不是 XLSX 工作簿，或已损坏（{error}）：请重新另存为 .xlsx，或 CSV UTF-8",
    ),
    "no-sheet": ("{path} has no sheet {sheet}", "{path} 中没有工作表 {sheet}"),
    "no-sheets": (
        "{path} is a CSV file, which has no sheets: omit --sheet",
        "{path} 是 CSV 文件，没有工作表：请去掉 --sheet",
    ),
    "sheets": (
        "{path} has several sheets ({names}): choose one with --sheet",
        "{path} 有多个工作表（{names}）：请用 --sheet 选择",
    ),
    "undecodable": (
        "{path} is neither UTF-8 nor GB18030 (GBK): save it as CSV UTF-8",
        "{path} 既不是 UTF-8，也不是 GB18030（GBK）：请另存为 CSV UTF-8",
    ),
    "not-as-marked": (
        "{path} begins like {encoding}, but is not valid: save it as CSV UTF-8",
        "{path} 以 {encoding} 的标记开头，内容却无效：请另存为 CSV UTF-8",
    ),
    "nul": (
        "{path} has a NUL character in line {line}, so it is no CSV file in UTF-8 or GBK: save it as CSV UTF-8",
        "{path} 第 {line} 行有 NUL 字符，不是 UTF-8 或 GBK 的 CSV 文件：请另存为 CSV UTF-8",
    ),
    "malformed": (
        "{path}, row {row}: malformed CSV, such as a wrong quote ({error})",
        "{path} 第 {row} 行：CSV 格式错误，例如引号不成对（{error}）",
    ),
    "short": (
        "{path}, row {row}: {cells} cells instead of {width}; the cell with the number may be another one",
        "{path} 第 {row} 行：只有 {cells} 个单元格，应为 {width} 个；号码可能不在原来的列",
    ),
    "long": (
        "{path}, row {row}: {cells} cells instead of {width}; put a cell that has the delimiter in it in quotes",
        "{path} 第 {row} 行：有 {cells} 个单元格，应为 {width} 个；含有分隔符的单元格请加引号",
    ),
    # The column.
    "no-column": ("{path} has no column '{column}'; it has: {header}", "{path} 中没有 {column} 列；文件的列：{header}"),
    "column-twice": (
        "{path} has several columns '{column}': rename all but one; it has: {header}",
        "{path} 中有多个 {column} 列，请改名；文件的列：{header}",
    ),
    "no-header": (
        "{path} has no header, so it has no column '{column}': its first row already has a number; add a first row "
        "with the names of the columns",
        "{path} 没有表头，因此没有 {column} 列：第一行已经是号码；请在最前面加一行列名",
    ),
    "several-numbers": (
        "{path} has no header, and its first row has several numbers: add a first row with the names of the columns, "
        "and give --column",
        "{path} 没有表头，第一行有多个号码：请在最前面加一行列名，并使用 --column",
    ),
    "which-column": (
        "which column of {path} has the numbers? Give --column; it has: {header}",
        "{path} 的哪一列是号码？请使用 --column；文件的列：{header}",
    ),
    # A cell of the column with the numbers.
    "exponent": (
        "was shortened by a spreadsheet to a number with E, its digits are gone: in the original, format the column as "
        "text or as a number without decimals, and save it again",
        "已被表格软件缩写成带 E 的数，部分数字已丢失：请在原文件中把该列设为文本或无小数的数值，再重新保存",
    ),
    "boolean": ("is TRUE or FALSE, not a number", "是 TRUE 或 FALSE，不是号码"),
    "date": ("is a date, not a number", "是日期，不是号码"),
    "time": ("is a time, not a number", "是时间，不是号码"),
    "not-whole": ("has decimals, or is too large to be exact", "有小数，或数值过大而不精确"),
    # A number, in the words of clean_numbers.
    "is-empty": ("is empty", "为空"),
    "not-digits": (
        "has {character} in it, which is not a digit (separate numbers with commas)",
        "含有非数字字符 {character}（多个号码请用逗号分隔）",
    ),
    "not-mainland": (
        "is not a mainland mobile number (11 digits, the first two 13 to 19)",
        "不是大陆手机号（11 位数字，以 13 至 19 开头）",
    ),
    "neither": (
        "is not a mainland mobile number (11 digits, the first two 13 to 19), and names no country or region with + or "
        "00",
        "不是大陆手机号（11 位数字，以 13 至 19 开头），也没有以 + 或 00 写明国家或地区",
    ),
    "not-e164": (
        "is not an international number (7 to 15 digits after + or 00)",
        "不是国际号码（+ 或 00 之后为 7 至 15 位数字）",
    ),
    "foreign": (
        "is a number of another country or region: set international to send there",
        "是其他国家或地区的号码：如需发送，请设置 international",
    ),
    "not-allowed": ("is not among allow_recipients", "不在 allow_recipients 之中"),
}
