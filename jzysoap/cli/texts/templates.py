"""The words about templates."""

TEXTS = {
    "brace": (
        "the template has a single brace at character {place}: write {{{{ or }}}} for a brace in the message",
        "模板第 {place} 个字符是单独的花括号：短信中的花括号请写成 {{{{ 或 }}}}",
    ),
    "nameless": (
        "the braces at character {place} of the template hold no column",
        "模板第 {place} 个字符处的花括号中没有列名",
    ),
    "format": (
        "the braces at character {place} of the template hold more than a column: . [ ] ! : are not allowed there "
        "(rename a column that has them)",
        "模板第 {place} 个字符处的花括号中不能有 . [ ] ! :，只能写列名（列名含有这些字符时请改名）",
    ),
    "missing": (
        "the file lacks columns that the template names: {names}; it has: {header}",
        "文件中没有模板所用的列：{names}；文件的列：{header}",
    ),
    "repeated": (
        "the template names columns that the file has more than once: {names}",
        "模板所用的列在文件中不止一列：{names}",
    ),
    "unsafe": (
        "row {row}, column {column}: the value has {why}, which could change what the message says; if all values of "
        "the file are yours, use --allow-values",
        "第 {row} 行 {column} 列：值中有{why}，可能改变短信的含义；如果文件中的值都可信，请使用 --allow-values",
    ),
    "brackets": ("【 or 】, the signs of a signature", "签名符号【或】"),
    "line-break": ("a line break", "换行"),
    "address": ("an internet address", "网址"),
}
