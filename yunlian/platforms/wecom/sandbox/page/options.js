// 平台行为: where the platform's behaviour is not confirmed, either can be chosen.
import { api, check, field, fill, h, head, pick, t } from "/sandbox/page/kit.js";

const set = (asked) => api.post("/wecom/options", asked).then(() => document.activeElement.blur());
const choice = (now, name, label, values) => field(label, pick({ onchange: (event) => set({ [name]: Number(event.target.value) }) }, values.map((value) => [value, String(value)]), now[name]));
const either = (now, name, label) => check(label, { checked: now[name], onchange: (event) => set({ [name]: event.target.checked }) });

export async function options(root) {
  const now = await api.get("/wecom/options");
  fill(root,
    head(t("平台行为", "Behaviour"), t("公开资料没有说清的地方，两种都可以选，系统都应当应对得了。", "Where public material leaves the platform's behaviour open, choose either; the system should bear both.")),
    h("section.card", {}, h("div.form", {},
      choice(now, "unknown_department", t("部门不存在时的错误码", "Code for an unknown department"), [60003, 60123]),
      choice(now, "department_not_a_number", t("部门不是数字时的错误码", "Code for a department that is no number"), [60123, 40058]),
      choice(now, "writes_before_edit", t("未开启 API 编辑时写入的错误码", "Code for writes while API editing is off"), [48002, 60011, 48008]),
      choice(now, "duplicate_task", t("task_id 重复时的错误码", "Code for a task id used before"), [42014, 42030]),
      choice(now, "card_answer_hours", t("事件 response_code 有效小时", "Hours an event's response code lives"), [24, 72]),
      choice(now, "retry_pause_s", t("回调重试间隔（秒）", "Seconds between attempts"), [0.1, 1, 5, 30]),
      either(now, "count_calls", t("按公布的频率限制计数（超出返回 45009）", "Count calls against the documented limits (45009)")),
      either(now, "same_token_again", t("有效期内重复获取令牌返回同一个", "A second gettoken gives the same token")),
      either(now, "spelled_opiton", t("卡片事件写作 OpitonIds", "Card events spell OpitonIds")),
      either(now, "apps_get_member_events", t("自建应用也收到成员变更事件", "Self-built apps get member events")),
      either(now, "simplelist_blocked_too", t("48009 也用于 simplelist、get 与 department/get", "48009 on simplelist, get and department/get too")))));
}
