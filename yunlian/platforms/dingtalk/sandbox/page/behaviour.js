// 平台行为: facts no source confirms, each to be played either way, and times that can be shortened.
import { check, field, h, head, t, toast } from "/sandbox/page/kit.js";
import { act, chosen, note, overview, switcher } from "./corp.js";

const FACTS = {
  shared_credential: ["新旧两代接口的令牌通用", "A token of one API generation works in the other"],
  former_token_lives: ["取得新的企业令牌后，旧令牌仍有效", "A corp token stays good when a newer one is fetched"],
  reading_removes_failed: ["读取失败列表后，事件从列表移除", "Reading the failed list empties it"],
  rehired_keep_userid: ["重新入职沿用原员工 ID", "Somebody hired again keeps the old user id"],
  leaving_range_tells: ["员工移出可见范围时推送离职事件（第三方应用）", "Moving out of the visible range sends a leave event (marketplace apps)"],
};
const TIMES = {
  token_life_s: ["令牌有效期（秒）", "A token lives (s)"], deadline_s: ["回调应答期限（秒）", "Callbacks must be answered in (s)"],
  retry_s: ["首次重试间隔（秒），其后三倍", "First pause before a retry (s), then three times that"], stream_again_s: ["Stream 未应答重发（秒）", "Stream sends again after (s)"],
  stream_ping_s: ["Stream 心跳（秒）", "Stream pings every (s)"], stream_close_s: ["Stream 断开前等待（秒）", "Stream closes after (s)"],
};

export async function behaviour(root) {
  const found = await overview();
  const { switches, corp } = found;
  const set = (name) => async (event) => {
    const value = event.target.type === "checkbox" ? event.target.checked : Number(event.target.value);
    event.target.blur();
    await act("/switches", { [name]: value });
    toast(t("已保存", "Saved"));
  };
  const box = (name, label) => h("p", {}, check(label, { checked: switches[name], onchange: set(name) }));
  const quota = h("input", { type: "number", min: 0, value: corp.monthly_calls ?? "", placeholder: t("不限", "no limit") });
  quota.addEventListener("change", async () => { quota.blur(); await act("/corps", { corp_id: chosen.corp, monthly_calls: quota.value === "" ? null : Number(quota.value) }); });
  root.append(
    head(t("平台行为", "Behaviour"), t("文档没有写明的行为可以两种都试；时间可以缩短。", "What the documentation leaves open can be played either way; times can be shortened."), switcher(found)),
    h("div.columns", {},
      h("section.card", {}, h("h3", {}, t("未确认的行为", "Unconfirmed facts")), Object.entries(FACTS).map(([name, words]) => box(name, t(...words)))),
      h("section.card", {}, h("h3", {}, t("限制", "Limits")), box("rate_limits", t("每个应用每个接口每秒最多 20 次（90018）", "20 calls a second for one app on one path (90018)")),
        field(t(`${corp.name} 本月还可调用次数（90020）`, `Calls left this month for ${corp.name} (90020)`), quota),
        note(t("通讯录、令牌与身份接口不计数。", "Contacts, tokens and identity do not count."))),
      h("section.card", {}, h("h3", {}, t("时间", "Times")), h("div.form", {}, Object.entries(TIMES).map(([name, words]) => field(t(...words), h("input", { type: "number", min: 0, step: "any", value: String(switches[name]), onchange: set(name) })))))));
}
