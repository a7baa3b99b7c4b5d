// The page of the inbox. All of its state comes from the JSON API, so that two tabs agree.
// What an application or a subscriber wrote becomes text nodes only, never markup.

// Each text in English and in Chinese.
export const TEXTS = {
  inbox: ["inbox", "收件箱"],
  languageName: ["中文", "English"],
  switchTheme: ["Switch between light and dark", "切换浅色和深色"],
  showPanel: ["Rules, queues and accounts", "规则、队列和账户"],
  copyAddress: ["Copy the gateway’s address", "复制网关地址"],
  connected: ["Connected", "已连接"],
  notConnected: ["Not connected", "未连接"],
  connecting: ["Connecting", "正在连接"],
  conversations: ["Conversations", "会话"],
  messages: ["Messages", "短信"],
  search: ["Search a number or a text", "搜索号码或内容"],
  counts: ["{phones} phones, {messages} messages", "{phones} 个号码，{messages} 条短信"],
  noneFound: ["Nothing found.", "没有找到。"],
  noneYet: ["No messages yet.", "还没有短信。"],
  writeAs: ["Write as {number}", "以 {number} 的身份发送"],
  unread: ["{n} unread", "{n} 条未读"],
  you: ["Reply:", "回复："],
  emptyTitle: ["Send your first message", "发送第一条短信"],
  emptyText: ["Point your application at this gateway. What it sends appears here, and nothing reaches a phone.", "请将您的应用指向本网关。应用发送的短信会显示在这里，不会到达任何手机。"],
  chooseTitle: ["Choose a conversation", "请选择会话"],
  chooseText: ["Each phone that your application wrote to has a conversation on the left. These settings point an application here.", "应用发送过的每个号码在左侧都有一个会话。以下设置将应用指向本网关。"],
  stepSettings: ["Set the environment", "设置环境变量"],
  stepSend: ["Send", "发送"],
  stepLook: ["Look here", "在这里查看"],
  stepLookText: ["The message appears within a second. Answer it as the subscriber, decide about its delivery report, or let the next send fail.", "短信会在一秒内显示。您可以代替用户回复、决定其状态报告，或让下一次发送失败。"],
  passwordNote: ["the account’s password", "账户密码"],
  copy: ["Copy", "复制"],
  copied: ["Copied", "已复制"],
  copyCode: ["Copy the code {code}", "复制验证码 {code}"],
  code: ["Verification code", "验证码"],
  back: ["Back to the conversations", "返回会话列表"],
  earlier: ["Show earlier messages", "显示更早的短信"],
  noMessagesHere: ["no messages yet", "还没有短信"],
  segments: ["segments: {n}", "计费 {n} 条"],
  channel_member: ["member channel", "会员通道"],
  channel_gateway: ["gateway channel", "网关通道"],
  channel_card: ["card channel", "卡发通道"],
  extension: ["extension {n}", "扩展号 {n}"],
  batch: ["batch {id}", "批次 {id}"],
  account: ["Account", "账户"],
  toMany: ["to {n} numbers", "共 {n} 个号码"],
  notGbk: ["not all in GBK", "含非 GBK 字符"],
  notGbkTitle: ["Some characters are not in GBK; a real gateway may garble them.", "部分字符不在 GBK 中，真实网关可能会显示为乱码。"],
  long: ["marked as long", "标记为长短信"],
  delivery: ["Delivery report", "状态报告"],
  delivered: ["Delivered", "成功"],
  failed: ["Failed", "失败"],
  unknown: ["Unknown", "未知"],
  none: ["No report", "无报告"],
  polled: ["polled", "已拉取"],
  waiting: ["waiting", "待拉取"],
  due: ["due {time}", "{time} 可拉取"],
  late: ["Late", "延迟"],
  lateTitle: ["Delivered, in 60 seconds", "60 秒后报告成功"],
  notShown: ["not shown: more than 200 numbers", "未显示：超过 200 个号码"],
  setDelivered: ["Report as delivered now", "立即报告成功"],
  setFailed: ["Report as failed now", "立即报告失败"],
  setNone: ["Withdraw the report that was not polled", "撤回尚未拉取的报告"],
  raw: ["Raw", "原文"],
  rawOf: ["Show request and reply of batch {id}", "显示批次 {id} 的请求和应答"],
  rawTitle: ["Request and reply", "请求和应答"],
  request: ["Request", "请求"],
  answer: ["Reply", "应答"],
  close: ["Close", "关闭"],
  replyLabel: ["Reply from this number", "以该号码回复"],
  replyPlaceholder: ["Reply as this subscriber …", "以该用户的身份回复……"],
  send: ["Send", "发送"],
  automatic: ["automatic", "自动"],
  rules: ["Rules", "规则"],
  queues: ["Queues", "队列"],
  accounts: ["Accounts", "账户"],
  nextSend: ["The next send", "下一次发送"],
  untilOff: ["Until switched off", "持续生效"],
  inForce: ["Rules in force", "生效的规则"],
  noRules: ["No rules: every message is accepted and delivered.", "没有规则：每条短信都受理并成功送达。"],
  addRule: ["Add a rule", "添加规则"],
  clearRules: ["Delete all", "全部删除"],
  remove: ["Delete", "删除"],
  removeRule: ["Delete the rule: {rule}", "删除规则：{rule}"],
  add: ["Add", "添加"],
  cancel: ["Cancel", "取消"],
  kind: ["Concerns", "类型"],
  kind_fault: ["The answer (fault)", "应答（故障）"],
  status: ["Status", "状态"],
  kind_reply: ["A reply", "上行短信"],
  operation: ["Call", "调用"],
  operation_any: ["any call", "任意调用"],
  operation_wsdl: ["the definition (WSDL)", "服务定义（WSDL）"],
  fault: ["Fault", "故障"],
  fault_lose_answer: ["accept, then lose the answer", "受理后丢失应答"],
  fault_lose_request: ["close the connection, do nothing", "断开连接，不受理"],
  fault_refuse: ["refuse", "拒绝"],
  fault_status: ["HTTP status", "HTTP 状态码"],
  fault_malformed: ["act, answer with a web page", "受理后应答一个网页"],
  fault_delay: ["answer late", "延迟应答"],
  words: ["Words of the refusal", "拒绝的原因"],
  httpStatus: ["HTTP status", "HTTP 状态码"],
  replyText: ["Text of the reply", "回复内容"],
  copies: ["Copies", "份数"],
  order: ["Order", "顺序"],
  order_sent: ["as sent", "按发送顺序"],
  order_reversed: ["reversed", "倒序"],
  order_shuffled: ["shuffled", "随机"],
  delay: ["Late by (seconds)", "延迟（秒）"],
  forNumber: ["Only for the number", "仅限号码"],
  forText: ["Only if the text has", "仅限包含的内容"],
  all: ["all", "全部"],
  after: ["Skip the first", "跳过前几次"],
  times: ["How often", "次数"],
  always: ["always", "一直"],
  ruleReport: ["Report: {status}", "状态报告：{status}"],
  ruleReply: ["Reply: {reply}", "回复：{reply}"],
  ruleFor: ["number {to}", "号码 {to}"],
  ruleText: ["text has “{text}”", "内容包含“{text}”"],
  ruleAfter: ["after {n} more", "再过 {n} 次后"],
  ruleTimes: ["{n} more times", "还有 {n} 次"],
  ruleDelay: ["{n} s late", "延迟 {n} 秒"],
  ruleCopies: ["{n} copies", "{n} 份"],
  reports: ["Delivery reports", "状态报告"],
  replies: ["Replies", "上行短信"],
  nothing: ["Nothing.", "无。"],
  balances: ["Balances", "余额"],
  balancesText: ["Messages left on each channel. A change takes effect at once.", "各通道剩余条数，修改后立即生效。"],
  member: ["Member", "会员"],
  gateway: ["Gateway", "网关"],
  card: ["Card", "卡发"],
  balanceOf: ["{channel} balance of {account}", "{account} 的{channel}通道余额"],
  export: ["Export", "导出"],
  reset: ["Reset", "重置"],
  resetTitle: ["Reset the sandbox?", "要重置沙盒吗？"],
  resetText: ["Messages, replies, reports and rules are deleted for everyone who uses this sandbox. Balances start again.", "所有使用者的短信、上行短信、状态报告和规则都会被删除，余额恢复为初始值。"],
  version: ["Version {version}", "版本 {version}"],
  newMessage: ["New message to {number}: {text}", "{number} 收到新短信：{text}"],
  replySent: ["Reply queued.", "回复已加入队列。"],
};

const ROW = 64; // the height of a row of the list, as in inbox.css
const PAGE = 50; // messages of a conversation that are drawn at first, and more with each click
const FIRST = 200; // messages that are fetched before the list is drawn
const MANY = 1000; // messages that the API returns at most, and events that it surely remembers
const LATE = 60;

const $ = (id) => document.getElementById(id);
const store = {
  get(name) { try { return localStorage.getItem(`jzysoap.${name}`); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(`jzysoap.${name}`, value); } catch { /* a private window */ } },
};

let language = store.get("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
const t = (key, values = {}) => TEXTS[key][language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => values[name]);

// --- Elements ---

function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const button = (text, onclick, options = {}) => make("button", { type: "button", onclick, ...options }, text);
const chip = (text, kind = "", title = undefined) => make("span", { class: `chip ${kind}`, title }, text);
// Isolated, so that no character of a text can turn what stands beside it around.
const foreign = (text, kind = "") => make("bdi", { class: kind, dir: "auto" }, text);

/** Make the children of an element those of some items. Children whose item did not change stay, with focus and all. */
function reconcile(parent, items, keyOf, versionOf, build) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const version = `${language} ${versionOf(item)}`;
    let child = before.get(key);
    before.delete(key);
    if (child?.version !== version) {
      const built = build(item);
      built.dataset.key = key;
      built.version = version;
      if (child) {
        const act = child.contains(document.activeElement) ? document.activeElement.dataset.act : undefined;
        if (place === child) place = built;
        child.replaceWith(built);
        if (act) built.querySelector(`[data-act="${act}"]`)?.focus();
      }
      child = built;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of before.values()) child.remove();
}

async function copy(text, from) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not on loopback and without TLS there is no clipboard object.
    const area = make("textarea", { class: "sr" });
    area.value = text;
    from.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    from.focus();
  }
  say(t("copied"));
  from.classList.add("copied");
  setTimeout(() => from.classList.remove("copied"), 1500);
}

function say(text) { $("live").textContent = text; }

function complain(error) {
  $("problem").textContent = error.message;
  $("problem").hidden = false;
  clearTimeout(complain.timer);
  complain.timer = setTimeout(() => { $("problem").hidden = true; }, 8000);
}

/** Run what a click starts; show the reason if it fails. */
const act = (work) => async (event) => {
  event?.preventDefault();
  try { await work(event); } catch (error) { complain(error); }
};

// --- The API ---

async function api(method, path, body, signal) {
  const options = { method, signal, cache: "no-store" };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`../api/v1/${path}`, options);
  if (answer.status === 401) location.reload();
  const value = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

// --- What is known of the gateway ---

let known = empty();
let operations = ["sendSms"];
let open = null; // the number of the open conversation
let drawn = PAGE;
let query = "";
let active = null; // the number of the row that the keyboard is on

function empty() {
  return {
    seq: 0, messagesSeq: 0, state: null, rules: [],
    queues: { reports: { waiting: [], polled: [] }, replies: { waiting: [], polled: [] } },
    messages: [], // the newest first
    phones: new Map(), // number -> { number, messages: the newest first, replies: the newest first, unread }
  };
}

function phoneOf(number) {
  let phone = known.phones.get(number);
  if (!phone) known.phones.set(number, phone = { number, messages: [], replies: [], unread: 0 });
  return phone;
}

/** Take messages in, given the newest first; they are all newer, or all older, than those that are known. */
function take(messages, older) {
  const fresh = messages.map((message) => {
    // The same string for the same number: a text of 10,000 messages is cheap, their numbers would not be.
    message.to = [...new Set(message.to)].map((number) => phoneOf(number).number);
    return message;
  });
  if (older) {
    known.messages.push(...fresh);
    for (const message of fresh) for (const number of message.to) phoneOf(number).messages.push(message);
  } else {
    known.messages.unshift(...fresh);
    for (const message of fresh.toReversed()) for (const number of message.to) phoneOf(number).messages.unshift(message);
  }
  return fresh;
}

/** Forget the oldest messages, as the gateway does. */
function trim() {
  while (known.messages.length > known.state.messages) {
    for (const number of known.messages.pop().to) {
      const phone = phoneOf(number);
      phone.messages.pop();
      if (!phone.messages.length && !phone.replies.length) known.phones.delete(number);
    }
  }
}

function takeQueues(queues) {
  known.queues = queues;
  for (const phone of known.phones.values()) phone.replies = [];
  for (const reply of [...queues.replies.waiting, ...queues.replies.polled]) phoneOf(reply.from).replies.push(reply);
  for (const phone of known.phones.values()) if (phone.replies.length > 1) phone.replies.sort((a, b) => (a.at < b.at ? 1 : -1));
}

async function loadAll() {
  known = empty();
  const mine = known;
  const [state, page, queues, rules] = await Promise.all([
    api("GET", "state"), api("GET", `messages?limit=${FIRST}`), api("GET", "queues"), api("GET", "rules"),
  ]);
  Object.assign(known, { seq: state.seq, messagesSeq: page.seq, state, rules: rules.rules });
  performance.mark("inbox-data");
  take(page.messages, true);
  takeQueues(queues);
  drawAll();
  performance.mark("inbox-list");
  if (page.more) loadOlder(mine).catch(complain);
}

async function loadOlder(mine) {
  for (let more = true; more;) {
    const page = await api("GET", `messages?limit=${MANY}&before=${mine.messages.at(-1).seq}`);
    if (mine !== known) return;
    take(page.messages, true);
    more = page.more;
    drawList();
    drawConversation();
  }
  performance.mark("inbox-complete");
}

async function loadNewer() {
  const found = [];
  for (let before = ""; ;) {
    const page = await api("GET", `messages?limit=${MANY}&since=${known.messagesSeq}${before}`);
    found.push(...page.messages);
    if (!before) known.next = page.seq;
    if (!page.more) break;
    before = `&before=${page.messages.at(-1).seq}`;
  }
  known.messagesSeq = known.next;
  for (const message of take(found, false)) {
    for (const number of message.to) if (number !== open) phoneOf(number).unread += 1;
  }
  if (found.length) say(t("newMessage", { number: found[0].to[0], text: found[0].text }));
}

/** Fetch the messages of the open conversation again: their delivery reports changed. */
async function loadOpen() {
  const number = open;
  const phone = known.phones.get(number);
  if (!phone?.messages.length) return;
  const page = await api("GET", `messages?to=${encodeURIComponent(number)}&limit=${Math.min(drawn, MANY)}`);
  const fresh = new Map(page.messages.map((message) => [message.seq, message]));
  for (const message of phone.messages) {
    const now = fresh.get(message.seq);
    if (now) Object.assign(message, { deliveries: now.deliveries, delivery_count: now.delivery_count });
  }
}

async function refresh(changes) {
  if (changes.seq < known.seq || changes.seq - known.seq >= MANY || changes.kinds.includes("reset")) {
    await loadAll();
    return;
  }
  const kinds = changes.kinds.join();
  const work = [api("GET", "state").then((state) => { known.state = state; })];
  if (/sent/.test(kinds)) work.push(loadNewer());
  if (/reply/.test(kinds) || (/report/.test(kinds) && !$("panel-queues").hidden)) work.push(api("GET", "queues").then(takeQueues));
  if (/rules|fault|sent/.test(kinds) && (known.rules.length || /rules/.test(kinds))) work.push(loadRules());
  if (/report/.test(kinds) && open) work.push(loadOpen());
  await Promise.all(work);
  known.seq = changes.seq;
  trim();
  drawAll();
}

async function loadRules() { known.rules = (await api("GET", "rules")).rules; }

// --- Following the gateway ---

let waiting = new AbortController();
let resume = () => {};

const visible = () => !document.hidden || new Promise((done) => { resume = done; });
const pause = (seconds) => new Promise((done) => { setTimeout(done, seconds * 1000); });

function showConnection(name) {
  document.body.dataset.connection = name;
  $("connection-text").textContent = t(name);
}

async function follow() {
  for (let loaded = false; ;) {
    await visible();
    waiting = new AbortController();
    try {
      if (!loaded) await loadAll();
      loaded = true;
      showConnection("connected");
      const changes = await api("GET", `changes?since=${known.seq}&wait=20`, undefined, waiting.signal);
      if (changes.seq !== known.seq) await refresh(changes);
      // With many changes in a row, two a second are drawn. Without a place to wait, ask every second.
      await pause(changes.waited ? 0.5 : 1);
    } catch {
      if (waiting.signal.aborted) continue;
      loaded = false;
      showConnection("notConnected");
      await pause(5);
    }
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) waiting.abort();
  else resume();
});

// --- The list of conversations ---

let rows = [];

const timeOf = (at) => at.slice(11, 19);
const today = () => new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10); // the gateway's time is UTC+8
const shortTime = (at) => (at.slice(0, 10) === today() ? at.slice(11, 16) : at.slice(5, 10));

function latest(phone) {
  const [message] = phone.messages;
  const [reply] = phone.replies;
  return reply && !(message && message.at > reply.at) ? { at: reply.at, text: reply.text, reply: true } : message ?? { at: "", text: "" };
}

function findRows() {
  const found = [];
  for (const phone of known.phones.values()) {
    const last = latest(phone);
    if (!query || phone.number.includes(query)) found.push({ phone, last });
    else {
      const hit = phone.messages.find((one) => one.text.toLowerCase().includes(query)) ?? phone.replies.find((one) => one.text.toLowerCase().includes(query));
      if (hit) found.push({ phone, last: { at: hit.at, text: hit.text, reply: "from" in hit } });
    }
  }
  // Times of the same zone, written in the same way: as text they are in order.
  return found.sort((a, b) => (a.last.at < b.last.at ? 1 : a.last.at > b.last.at ? -1 : 0));
}

function drawList() {
  rows = findRows();
  const total = known.messages.length;
  const digits = query.replace(/[ -]/g, "");
  const unknownNumber = /^\+?\d{5,20}$/.test(digits) && !known.phones.has(digits);
  $("list-note").textContent = rows.length ? t("counts", { phones: known.phones.size, messages: total }) : t(query ? "noneFound" : "noneYet");
  $("write-as").hidden = !unknownNumber;
  $("write-as").textContent = t("writeAs", { number: digits });
  $("write-as").dataset.number = digits;
  $("rows").style.height = `${rows.length * ROW}px`;
  drawRows();
}

/** Draw the rows that are in sight, and a few around them. */
function drawRows() {
  const list = $("list");
  const first = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
  const last = Math.min(rows.length, Math.ceil((list.scrollTop + (list.clientHeight || 800)) / ROW) + 5);
  const sight = rows.slice(first, last).map((row, index) => ({ ...row, place: first + index }));
  reconcile($("rows"), sight, ({ phone }) => phone.number, ({ phone, last: { at, text }, place }) =>
    JSON.stringify([at, text, place, rows.length, phone.messages.length, phone.unread, phone.number === open, phone.number === active, query]), buildRow);
  const current = active !== null && document.getElementById(`row-${active}`);
  if (current) list.setAttribute("aria-activedescendant", current.id);
  else list.removeAttribute("aria-activedescendant");
}

function buildRow({ phone, last, place }) {
  const { number } = phone;
  const row = make("div", {
    class: `phone${number === active ? " active" : ""}`, role: "option", id: `row-${number}`,
    "aria-selected": String(number === open), "aria-setsize": rows.length, "aria-posinset": place + 1,
  },
  make("span", { class: "phone-number" }, foreign(number)),
  make("time", { class: "phone-time", datetime: last.at }, shortTime(last.at)),
  make("span", { class: "phone-text" }, last.reply ? make("span", { class: "phone-you" }, t("you"), " ") : null, foreign(last.text.slice(0, 120))),
  phone.unread ? make("span", { class: "unread", "aria-label": t("unread", { n: phone.unread }), role: "img" }, String(phone.unread))
    : make("span", { class: "phone-count" }, String(phone.messages.length)));
  row.style.transform = `translateY(${place * ROW}px)`;
  if (phone.unread) row.classList.add("new");
  return row;
}

function moveTo(place) {
  if (!rows.length) return;
  const at = Math.max(0, Math.min(rows.length - 1, place));
  const list = $("list");
  active = rows[at].phone.number;
  if (at * ROW < list.scrollTop) list.scrollTop = at * ROW;
  if ((at + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (at + 1) * ROW - list.clientHeight;
  drawRows();
}

$("list").addEventListener("keydown", (event) => {
  const at = rows.findIndex((row) => row.phone.number === active);
  const step = Math.max(1, Math.floor($("list").clientHeight / ROW) - 1);
  const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + step, PageUp: at - step };
  if (event.key in places) moveTo(places[event.key]);
  else if ((event.key === "Enter" || event.key === " ") && active !== null) {
    openPhone(active);
    $("reply-text").focus();
  } else return;
  event.preventDefault();
});
// A click finds its row by its place too: a row that is drawn anew between press and release gets no click of its own.
$("list").addEventListener("click", ({ target, clientY }) => {
  const place = Math.floor((clientY - $("rows").getBoundingClientRect().top) / ROW);
  const number = target.closest(".phone")?.dataset.key ?? rows[place]?.phone.number;
  if (number) openPhone(number);
});
// By the keyboard; a mouse is on its row already.
$("list").addEventListener("focus", () => { if (active === null && $("list").matches(":focus-visible")) moveTo(Math.max(0, rows.findIndex((row) => row.phone.number === open))); });
$("list").addEventListener("scroll", () => requestAnimationFrame(drawRows), { passive: true });
addEventListener("resize", () => requestAnimationFrame(drawRows));
$("search").addEventListener("input", () => {
  query = $("search").value.trim().toLowerCase();
  active = null;
  $("list").scrollTop = 0;
  drawList();
});
$("search").addEventListener("keydown", (event) => {
  if (event.key !== "ArrowDown") return;
  event.preventDefault();
  $("list").focus();
});
$("write-as").addEventListener("click", () => {
  openPhone($("write-as").dataset.number);
  $("reply-text").focus();
});

// --- A conversation ---

function openPhone(number) {
  const before = open;
  open = number;
  active = number ?? active;
  if (number !== before) {
    drawn = PAGE;
    $("items").replaceChildren();
    $("reply-text").value = "";
    history.replaceState(null, "", number === null ? location.pathname : `#${encodeURIComponent(number)}`);
  }
  if (known.phones.has(number)) known.phones.get(number).unread = 0;
  document.body.classList.toggle("in-conversation", number !== null);
  drawList();
  drawConversation();
  $("log").scrollTop = $("log").scrollHeight;
  if (number !== null) loadOpen().then(drawConversation, complain);
}

function drawConversation() {
  $("start").hidden = open !== null;
  $("conversation").hidden = open === null;
  if (open === null) return;
  const phone = known.phones.get(open) ?? { number: open, messages: [], replies: [] };
  $("number").replaceChildren(foreign(open));
  $("number-note").textContent = phone.messages.length ? `${t("messages")}: ${phone.messages.length}` : t("noMessagesHere");
  $("earlier").hidden = phone.messages.length <= drawn;
  const messages = phone.messages.slice(0, drawn);
  const oldest = phone.messages.length > drawn ? messages.at(-1).at : "";
  const seen = new Map();
  const items = [...messages, ...phone.replies.filter((reply) => reply.at >= oldest)].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const dated = [];
  let day = "";
  for (const item of items) {
    if (item.at.slice(0, 10) !== day) dated.push({ day: day = item.at.slice(0, 10) });
    dated.push(item);
  }
  const log = $("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  reconcile($("items"), dated, (item) => {
    if (item.day) return item.day;
    if (item.id) return item.id;
    // A reply has no id: its place among those of the same time and text stays the same.
    const key = `${item.at} ${item.text}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    return `${key} ${seen.get(key)}`;
  }, (item) => item.day ?? (item.id ? JSON.stringify(deliveriesOf(item)) : item.polled_at), buildItem);
  if (atEnd) log.scrollTop = log.scrollHeight;
  drawReplyAccounts();
}

function deliveriesOf(message) { return message.deliveries.filter((one) => one.to === open); }

function buildItem(item) {
  if (item.day) return make("li", { class: "day" }, make("time", { datetime: item.day }, item.day));
  return item.id ? buildMessage(item) : buildReply(item);
}

function buildText({ text, signature }) {
  const found = signature === null ? null : /^\s*【[^【】]+】|【[^【】]+】\s*$/.exec(text);
  const parts = found
    ? [text.slice(0, found.index), make("span", { class: "signature" }, found[0]), text.slice(found.index + found[0].length)]
    : [text];
  return make("p", { class: "text" }, make("bdi", { dir: "auto" }, ...parts));
}

function buildMessage(message) {
  const { id } = message;
  const number = open;
  const report = (status, delay = 0) => act(async () => {
    await api("POST", "reports", { message: id, to: number, status, delay });
    await loadOpen();
    drawConversation();
  });
  return make("li", { class: "message" }, make("article", { class: "bubble", "aria-label": t("batch", { id }) },
    buildText(message),
    ...message.codes.map((code) => make("div", { class: "code" }, make("span", { class: "code-label" }, t("code")), make("code", {}, code),
      button(t("copy"), (event) => copy(code, event.currentTarget), { "aria-label": t("copyCode", { code }), "data-act": `code-${code}` }))),
    make("div", { class: "facts" },
      chip(t("segments", { n: message.segments })), chip(t(`channel_${message.channel}`)),
      message.extension ? chip(t("extension", { n: message.extension })) : null,
      message.long ? chip(t("long")) : null,
      message.gbk ? null : chip(t("notGbk"), "warn", t("notGbkTitle")),
      message.to.length > 1 ? chip(t("toMany", { n: message.to.length })) : null,
      chip(message.interface === "soap" ? "SOAP" : "HTTP"), chip(`${t("account")} ${message.username}`), chip(t("batch", { id }), "mono")),
    make("div", { class: "delivery" }, ...buildDeliveries(message),
      make("div", { class: "segmented", role: "group", "aria-label": t("delivery") },
        button(t("delivered"), report("delivered"), { title: t("setDelivered"), "data-act": "delivered" }),
        button(t("failed"), report("failed"), { title: t("setFailed"), "data-act": "failed" }),
        button(t("late"), report("delivered", LATE), { title: t("lateTitle"), "data-act": "late" }),
        button(t("none"), report("none"), { title: t("setNone"), "data-act": "none" })),
      button(t("raw"), act(() => showRaw(id)), { class: "quiet", "aria-label": t("rawOf", { id }), "data-act": "raw" }))),
  make("time", { class: "stamp", datetime: message.at }, timeOf(message.at)));
}

function buildDeliveries(message) {
  const states = deliveriesOf(message).map(({ status, polled, due }) => {
    const state = polled ? t("polled") : Date.parse(due) > Date.now() ? t("due", { time: timeOf(due) }) : t("waiting");
    return chip(`${t(status)} · ${state}`, `state ${status}`);
  });
  if (states.length) return states;
  return [chip(t(message.delivery_count > message.deliveries.length ? "notShown" : "none"), "state none")];
}

function buildReply(reply) {
  return make("li", { class: "message own" }, make("article", { class: "bubble", "aria-label": t("kind_reply") }, buildText({ ...reply, signature: null })),
    make("p", { class: "stamp" }, make("time", { datetime: reply.at }, timeOf(reply.at)), ` · ${t(reply.polled_at ? "polled" : "waiting")} · ${reply.username}`));
}

async function showRaw(id) {
  const raw = await api("GET", `messages/${encodeURIComponent(id)}/raw`);
  $("raw-interface").textContent = raw.interface === "soap" ? "SOAP" : "HTTP";
  $("raw-request").textContent = raw.request;
  $("raw-reply").textContent = raw.reply;
  $("raw").showModal();
}

function drawReplyAccounts() {
  const { accounts } = known.state;
  $("reply-account-label").hidden = accounts.length < 2;
  const names = ["", ...accounts.map((account) => account.username)];
  reconcile($("reply-account"), names, (name) => name, () => "", (name) => make("option", { value: name }, name || t("automatic")));
}

const grow = () => {
  const area = $("reply-text");
  area.style.height = "auto";
  area.style.height = `${Math.min(160, area.scrollHeight + 2)}px`;
};
$("reply-text").addEventListener("input", grow);
$("reply-text").addEventListener("keydown", (event) => {
  // Enter also ends the input of Chinese characters: that one sends nothing.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("reply").requestSubmit();
});
$("reply").addEventListener("submit", act(async () => {
  const text = $("reply-text").value;
  await api("POST", "replies", { from: open, text, username: $("reply-account").value || null });
  $("reply-text").value = "";
  grow();
  say(t("replySent"));
}));
$("earlier").addEventListener("click", act(async () => {
  const log = $("log");
  const fromEnd = log.scrollHeight - log.scrollTop;
  drawn += PAGE;
  await loadOpen();
  drawConversation();
  log.scrollTop = log.scrollHeight - fromEnd;
}));
$("back").addEventListener("click", () => {
  openPhone(null);
  $("list").focus();
});

// --- Rules ---

const USUAL = { to: null, text: null, after: 0, times: null, delay: 0, status: "delivered", copies: 1, order: "sent", reply: "", operation: "sendSms", fault: "lose answer", words: "系统超时", http_status: 502 };
const next = (fault, more = {}) => ({ kind: "fault", fault, times: 1, ...more });
const QUICK = {
  "switches-next": {
    lose: next("lose answer"), drop: next("lose request"), refuse: next("refuse"), status: next("status"), malformed: next("malformed"),
    slow: next("delay", { delay: 10 }),
  },
  "switches-all": {
    allFailed: { kind: "report", status: "failed" }, allLate: { kind: "report", delay: LATE }, allNone: { kind: "report", status: "none" },
    twice: { kind: "report", copies: 2 },
  },
};

const sameRule = (rule, wanted) => Object.entries({ ...USUAL, ...wanted }).every(([name, value]) => rule[name] === value);

function drawRules() {
  const { rules } = known;
  $("rules-count").textContent = rules.length || "";
  $("no-rules").hidden = rules.length > 0;
  $("clear-rules").hidden = !rules.length;
  for (const [id, switches] of Object.entries(QUICK)) {
    reconcile($(id), Object.entries(switches), ([name]) => name, ([, wanted]) => rules.find((rule) => sameRule(rule, wanted))?.id, ([name, wanted]) => {
      const rule = rules.find((one) => sameRule(one, wanted));
      return button(make("span", {}, describe({ ...USUAL, ...wanted }, true).join(", ")), act(async () => {
        await (rule ? api("DELETE", `rules/${rule.id}`) : api("POST", "rules", wanted));
        await loadRules();
        drawRules();
      }), { class: "switch", role: "switch", "aria-checked": String(Boolean(rule)), "data-act": "switch", id: `quick-${name}` });
    });
  }
  reconcile($("rule-list"), rules, (rule) => rule.id, JSON.stringify, (rule) => {
    const [title, ...conditions] = describe(rule);
    return make("li", { class: "card" }, make("div", {}, make("p", { class: "card-title" }, foreign(title)),
      make("p", { class: "muted" }, ...conditions.flatMap((one, index) => [index ? " · " : "", foreign(one)]))),
    button(t("remove"), act(async () => {
      await api("DELETE", `rules/${rule.id}`);
      await loadRules();
      drawRules();
      $("add-rule").focus();
    }), { class: "quiet", "aria-label": t("removeRule", { rule: title }), "data-act": "remove" }));
  });
}

const operationName = (name) => (name === "any" || name === "wsdl" ? t(`operation_${name}`) : name);
const faultName = (name) => t(`fault_${name.replace(" ", "_")}`);

/** Say what a rule does, then its conditions; of a quick switch, whose heading names these, only the first. */
function describe(rule, quick = false) {
  const parts = [];
  if (rule.kind === "report") parts.push(t("ruleReport", { status: t(rule.status) }));
  else if (rule.kind === "reply") parts.push(t("ruleReply", rule));
  else {
    const detail = { refuse: `: ${rule.words}`, status: ` ${rule.http_status}` }[rule.fault] ?? "";
    parts.push(`${quick ? "" : `${operationName(rule.operation)}: `}${faultName(rule.fault)}${detail}`);
  }
  if (rule.delay) parts.push(t("ruleDelay", { n: rule.delay }));
  if (rule.kind === "report" && rule.copies > 1) parts.push(t("ruleCopies", { n: rule.copies }));
  if (rule.kind === "report" && rule.order !== "sent") parts.push(t(`order_${rule.order}`));
  if (quick) return parts;
  if (rule.to) parts.push(t("ruleFor", rule));
  if (rule.text) parts.push(t("ruleText", rule));
  if (rule.after) parts.push(t("ruleAfter", { n: rule.after }));
  parts.push(rule.times === null ? t("always") : t("ruleTimes", { n: rule.times }));
  return parts;
}

const form = $("rule-form");

function showFields() {
  const kind = form.elements.kind.value;
  for (const label of form.querySelectorAll("[data-kind]")) {
    label.hidden = label.dataset.kind !== kind || (label.dataset.fault ?? form.elements.fault.value) !== form.elements.fault.value;
    for (const field of label.querySelectorAll("input, select")) field.disabled = label.hidden;
  }
}

function drawFormTexts() {
  const fill = (name, values, text) => {
    const { value } = form.elements[name];
    form.elements[name].replaceChildren(...values.map((one) => make("option", { value: one }, text(one))));
    if (value) form.elements[name].value = value;
  };
  fill("operation", operations, operationName);
  fill("fault", ["lose answer", "lose request", "refuse", "status", "malformed", "delay"], faultName);
  fill("status", ["delivered", "failed", "unknown", "none"], t);
  fill("order", ["sent", "reversed", "shuffled"], (one) => t(`order_${one}`));
  showFields();
}

function showForm(shown) {
  form.hidden = !shown;
  $("add-rule").setAttribute("aria-expanded", String(shown));
}

$("add-rule").addEventListener("click", act(async () => {
  showForm(form.hidden);
  if (form.hidden) return;
  form.elements.kind.focus();
  // A sandbox may have more operations than the documented ones.
  const document = await api("GET", "openapi.json");
  operations = document.paths["/rules"].post.requestBody.content["application/json"].schema.properties.operation.enum;
  drawFormTexts();
}));
form.addEventListener("change", showFields);
form.addEventListener("submit", act(async () => {
  const rule = {};
  for (const [name, value] of new FormData(form)) {
    const field = form.elements[name];
    if (field.type === "number") rule[name] = value === "" ? null : Number(value);
    else rule[name] = value === "" ? null : value;
  }
  await api("POST", "rules", rule);
  form.reset();
  showFields();
  showForm(false);
  $("add-rule").focus();
  await loadRules();
  drawRules();
}));
$("cancel-rule").addEventListener("click", () => {
  showForm(false);
  $("add-rule").focus();
});
$("clear-rules").addEventListener("click", act(async () => {
  await api("DELETE", "rules");
  await loadRules();
  drawRules();
  $("add-rule").focus();
}));

// --- Queues and accounts ---

function drawQueues() {
  const waitingCount = known.state.reports_waiting + known.state.replies_waiting;
  $("queues-count").textContent = waitingCount || "";
  if ($("panel-queues").hidden) return;
  const parts = ["replies", "reports"].flatMap((kind) => ["waiting", "polled"].map((side) => ({ kind, side, entries: known.queues[kind][side] })));
  const describeEntry = (kind, entry) => (kind === "reports"
    ? [entry.to, `${t(entry.status)}${entry.message ? ` · ${t("batch", { id: entry.message })}` : ""}`, entry.polled_at ?? entry.due]
    : [entry.from, entry.text, entry.polled_at ?? entry.at]);
  reconcile($("panel-queues"), parts, ({ kind, side }) => `${kind} ${side}`, ({ entries }) => JSON.stringify(entries), ({ kind, side, entries }) => {
    const total = side === "waiting" ? known.state[`${kind}_waiting`] : entries.length;
    return make("section", { class: "queue" },
      make("h3", {}, `${t(kind)} · ${t(side)} `, make("span", { class: "count" }, String(total))),
      entries.length ? make("ul", { class: "entries" }, ...entries.map((entry) => {
        const [number, what, at] = describeEntry(kind, entry);
        return make("li", { class: kind === "reports" ? entry.status : "" }, foreign(number, "mono"), foreign(what, "entry-what"), make("time", { datetime: at }, timeOf(at)));
      })) : make("p", { class: "muted" }, t("nothing")));
  });
}

function drawAccounts() {
  $("version").textContent = t("version", known.state);
  reconcile($("account-list"), known.state.accounts, (account) => account.username, () => "", ({ username }) => make("li", { class: "card account" },
    make("p", { class: "card-title" }, foreign(username)),
    make("div", { class: "balances" }, ...["member", "gateway", "card"].map((channel) => make("label", {}, make("span", {}, t(channel)),
      make("input", { type: "number", min: 0, max: 10 ** 12, step: 1, required: true, "data-channel": channel, "aria-label": t("balanceOf", { channel: t(channel), account: username }),
        onchange: act(async ({ target }) => {
          if (target.checkValidity()) await api("PUT", "balance", { username, [channel]: Number(target.value) });
        }) }))))));
  for (const account of known.state.accounts) {
    const card = [...$("account-list").children].find((one) => one.dataset.key === account.username);
    for (const field of card.querySelectorAll("input")) if (field !== document.activeElement) field.value = account[field.dataset.channel];
  }
}

function showTab(name) {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (name === "queues" && known.state) api("GET", "queues").then((queues) => { takeQueues(queues); drawQueues(); }).catch(complain);
}

for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => showTab(tab.id.slice(4)));
  tab.addEventListener("keydown", (event) => {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const to = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    showTab(to.id.slice(4));
    to.focus();
  });
}

$("reset").addEventListener("click", () => $("reset-dialog").showModal());
$("reset-now").addEventListener("click", act(async () => {
  $("reset-dialog").close();
  await api("POST", "reset", {});
}));

// --- The page as a whole ---

function drawAll() {
  drawList();
  drawConversation();
  drawStart();
  drawRules();
  drawQueues();
  drawAccounts();
}

function drawStart() {
  // The address under which this browser reaches the sandbox; another container may know it by another one.
  const base = location.origin + new URL(known.state.gateway_url).pathname.replace(/\/$/, "");
  const some = known.phones.size > 0;
  $("start-title").textContent = t(some ? "chooseTitle" : "emptyTitle");
  $("start-text").textContent = t(some ? "chooseText" : "emptyText");
  $("address-text").textContent = base;
  $("settings").textContent = [`JZYSOAP_BASE_URL=${base}`, `JZYSOAP_USERNAME=${known.state.accounts[0]?.username ?? ""}`, `JZYSOAP_PASSWORD=<${t("passwordNote")}>`].join("\n");
  $("sample").textContent = ["from jzysoap import Client", "", "with Client.from_env() as client:", '    client.send("13866194295", "【签名】您的验证码是 1234")'].join("\n");
}

function drawTexts() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `jzysoap ${t("inbox")}`;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) element.title = t(element.dataset.title);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = t(element.dataset.placeholder);
  $("language").textContent = t("languageName");
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  drawFormTexts();
  showConnection(document.body.dataset.connection ?? "connecting");
  if (known.state) drawAll();
}

$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  store.set("language", language);
  drawTexts();
});

const dark = matchMedia("(prefers-color-scheme: dark)");
if (store.get("theme")) document.documentElement.dataset.theme = store.get("theme");
$("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  store.set("theme", document.documentElement.dataset.theme);
});

$("panel-toggle").addEventListener("click", () => {
  const shown = document.body.classList.toggle("panel-open");
  $("panel-toggle").setAttribute("aria-expanded", String(shown));
  if (shown) document.querySelector("[role=tab][aria-selected=true]").focus();
});
$("address").addEventListener("click", (event) => copy($("address-text").textContent, event.currentTarget));
for (const one of document.querySelectorAll("[data-copy]")) one.addEventListener("click", () => copy($(one.dataset.copy).textContent, one));
for (const one of document.querySelectorAll("[data-close]")) one.addEventListener("click", () => one.closest("dialog").close());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    $("search").select();
    $("search").focus();
  } else if (event.key === "Escape" && document.body.classList.contains("panel-open")) {
    $("panel-toggle").click();
    $("panel-toggle").focus();
  }
});
addEventListener("hashchange", () => openPhone(decodeURIComponent(location.hash.slice(1)) || null));

open = decodeURIComponent(location.hash.slice(1)) || null;
document.body.classList.toggle("in-conversation", open !== null);
drawTexts();
follow();
